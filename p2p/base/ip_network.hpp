// IpNetwork: a range of IP addresses given as text ("192.168.0.0/16", "fe80::/10", "198.51.100.7"). Any thread.
// Errors: Refused for text that is no network.
#pragma once

#include <array>
#include <string>

#include "p2p/base/result.hpp"

namespace packswarm {

class IpNetwork {
  public:
    static Result<IpNetwork> parse(const std::string& text);
    bool contains(const std::string& address) const;  // false for what is no address
    const std::string& text() const { return text_; }

  private:
    std::string text_;
    std::array<unsigned char, 16> bytes_{};  // IPv4 in the first four
    int family_ = 0, bits_ = 0;
};

// The network of so many bits that an address is in, "192.0.2.0/24"; what is no address, as it stands.
std::string network_of(const std::string& address, int bits_of_ipv4, int bits_of_ipv6);

}  // namespace packswarm
