#include "p2p/swarm/channel/introduction.hpp"

#include <algorithm>

namespace packswarm::swarm {

namespace {

// Kind 1, address 4 or 16, port 2, integers big-endian.
constexpr std::size_t size_of_v4 = 7, size_of_v6 = 19;

template <class Address>
Address address_of(ByteView bytes) {
    typename Address::bytes_type raw;
    std::transform(bytes.begin(), bytes.end(), raw.begin(), [](char c) { return static_cast<unsigned char>(c); });
    return Address(raw);
}

}  // namespace

Bytes encode(const Introduction& introduction, std::size_t headroom) {
    Bytes out(headroom);
    out.push_back(static_cast<char>(introduction.kind));
    const auto add = [&out](const auto& bytes) {
        for (const auto byte : bytes) out.push_back(static_cast<char>(byte));
    };
    const auto address = introduction.endpoint.address();
    address.is_v4() ? add(address.to_v4().to_bytes()) : add(address.to_v6().to_bytes());
    const auto port = introduction.endpoint.port();
    out.push_back(static_cast<char>(port >> 8));
    out.push_back(static_cast<char>(port & 0xff));
    return out;
}

Result<Introduction> decode_introduction(ByteView bytes) {
    const bool has_size = bytes.size() == size_of_v4 || bytes.size() == size_of_v6;
    if (!has_size || (bytes[0] != 1 && bytes[0] != 2)) return fail(ErrorKind::Corrupt, "malformed introduction");
    const auto address = bytes.subspan(1, bytes.size() - 3);
    const auto port = bytes.last(2);
    Introduction out;
    out.kind = static_cast<Introduction::Kind>(bytes[0]);
    const auto high = static_cast<unsigned char>(port[0]), low = static_cast<unsigned char>(port[1]);
    const auto number = static_cast<std::uint16_t>(high << 8 | low);
    if (number == 0) return fail(ErrorKind::Corrupt, "malformed introduction");
    out.endpoint = {address.size() == 4 ? lt::address(address_of<lt::address_v4>(address))
                                        : lt::address(address_of<lt::address_v6>(address)),
                    number};
    return out;
}

}  // namespace packswarm::swarm
