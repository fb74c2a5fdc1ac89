#include "p2p/swarm/channel/message.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::swarm {

namespace {

enum class Type : std::uint8_t { hello = 1, ask, tell, get, data, refuse, cancel, have };

class Writer {
  public:
    Writer(Type type, std::size_t headroom) : out_(headroom) { number(static_cast<std::uint8_t>(type)); }
    template <class Number>
    Writer& number(Number value) {
        for (int shift = static_cast<int>(sizeof(Number) - 1) * 8; shift >= 0; shift -= 8)
            out_.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift));
        return *this;
    }
    Writer& raw(std::string_view bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    void reserve(std::size_t bytes) { out_.reserve(bytes); }
    Bytes take() { return std::move(out_); }

  private:
    Bytes out_;
};

// Reads past the end give zeros and mark the reader as short; whoever reads checks once, at the end.
class Reader {
  public:
    explicit Reader(ByteView bytes) : rest_(bytes) {}
    template <class Number>
    Number number() {
        std::uint64_t value = 0;
        for (const char c : raw(sizeof(Number))) value = value << 8 | static_cast<std::uint8_t>(c);
        return static_cast<Number>(value);
    }
    template <class Fixed>
    Fixed fixed() {
        const auto bytes = raw(Fixed::size);
        return bytes.empty() ? Fixed{} : Fixed::from_raw(bytes.data());
    }
    ByteView raw(std::size_t count) {
        if (count > rest_.size()) {
            short_ = true;
            rest_ = {};
            return {};
        }
        const auto out = rest_.first(count);
        rest_ = rest_.subspan(count);
        return out;
    }
    std::size_t left() const { return rest_.size(); }
    bool ok() const { return !short_; }
    bool exact() const { return !short_ && rest_.empty(); }

  private:
    ByteView rest_;
    bool short_ = false;
};

void add_root(Writer& out, const RootOnShow& root) {
    out.number(root.date).raw(root.root.raw()).number(root.root_size);
}

void add_provenance(Writer& out, const core::Provenance& provenance) {
    const auto contents = std::min(provenance.contents.size(), limits::max_sightings);
    const auto addresses = std::min(provenance.addresses.size(), limits::max_sightings);
    out.raw(provenance.product.raw()).number(static_cast<std::uint8_t>(contents));
    for (std::size_t i = 0; i < contents; ++i)
        out.number(provenance.contents[i].content)
            .number(static_cast<std::int64_t>(provenance.contents[i].date.time_since_epoch().count()));
    out.number(static_cast<std::uint8_t>(addresses));
    for (std::size_t i = 0; i < addresses; ++i) out.number(provenance.addresses[i]);
}

Bytes write(const Hello& m, std::size_t headroom) {
    Writer out(Type::hello, headroom);
    const std::string_view id(reinterpret_cast<const char*>(m.agent_id.data()), m.agent_id.size());
    const auto agent = std::string_view(m.agent).substr(0, limits::max_agent_name);
    out.number(m.version).raw(id).number(m.listen_port);
    out.number(static_cast<std::uint8_t>(agent.size())).raw(agent);
    add_root(out, m.root);
    if (m.version < 2) return out.take();
    add_provenance(out, m.root.provenance);
    const auto others = std::min(m.others.size(), limits::max_roots_on_show - 1);
    out.number(static_cast<std::uint8_t>(others));
    for (std::size_t i = 0; i < others; ++i) {
        add_root(out, m.others[i]);
        add_provenance(out, m.others[i].provenance);
    }
    return out.take();
}

Bytes write(const Ask& m, std::size_t headroom) {
    Writer out(Type::ask, headroom);
    out.reserve(headroom + 7 + m.digests.size() * Digest::size);
    out.number(m.token).number(static_cast<std::uint16_t>(m.digests.size()));
    for (const auto& digest : m.digests) out.raw(digest.raw());
    return out.take();
}

Bytes write(const Tell& m, std::size_t headroom) {
    Writer out(Type::tell, headroom);
    out.number(m.token).number(static_cast<std::uint8_t>(m.last)).number(static_cast<std::uint16_t>(m.entries.size()));
    for (const auto& entry : m.entries) {
        out.raw(entry.digest.raw())
            .number(entry.size)
            .number(entry.signature)
            .number(static_cast<std::uint16_t>(entry.pieces.size()));
        for (const auto& piece : entry.pieces) out.raw(piece.raw());
    }
    return out.take();
}

Bytes write(const Get& m, std::size_t headroom) {
    return Writer(Type::get, headroom).number(m.token).raw(m.digest.raw()).number(m.offset).number(m.length).take();
}

Bytes write(const Data& m, std::size_t headroom) {
    auto out = encode_data(m.token, m.bytes.size(), headroom);
    std::copy(m.bytes.begin(), m.bytes.end(), out.end() - static_cast<std::ptrdiff_t>(m.bytes.size()));
    return out;
}

Bytes write(const Refuse& m, std::size_t headroom) { return Writer(Type::refuse, headroom).number(m.token).take(); }
Bytes write(const Cancel& m, std::size_t headroom) { return Writer(Type::cancel, headroom).number(m.token).take(); }

Bytes write(const Have& m, std::size_t headroom) {
    Writer out(Type::have, headroom);
    out.raw(m.digest.raw()).number(m.size);
    std::string bits((m.pieces.size() + 7) / 8, '\0');
    for (std::size_t piece = 0; piece < m.pieces.size(); ++piece)
        if (m.pieces[piece]) bits[piece / 8] = static_cast<char>(bits[piece / 8] | (0x80 >> (piece % 8)));
    return out.raw(bits).take();
}

tl::unexpected<Error> wrong(std::string_view what) { return fail(ErrorKind::Corrupt, "malformed {}", what); }

bool is_date(std::int64_t date) { return date >= 0 && date < std::int64_t{1} << 40; }

bool read_root(Reader& in, RootOnShow& root) {
    root.date = in.number<std::int64_t>();
    root.root = in.fixed<Digest>();
    root.root_size = in.number<ByteCount>();
    return in.ok() && root.root_size >= 0 && root.root_size <= limits::max_database && is_date(root.date);
}

bool read_provenance(Reader& in, core::Provenance& provenance) {
    provenance.product = in.fixed<Digest>();
    const auto contents = in.number<std::uint8_t>();
    if (contents > limits::max_sightings) return false;
    for (int i = 0; i < contents; ++i) {
        const auto content = in.number<core::Mark>();
        const auto date = in.number<std::int64_t>();
        if (!is_date(date)) return false;
        provenance.contents.push_back({content, WallTime(Seconds(date))});
    }
    const auto addresses = in.number<std::uint8_t>();
    if (addresses > limits::max_sightings) return false;
    for (int i = 0; i < addresses; ++i) provenance.addresses.push_back(in.number<core::Mark>());
    return in.ok();
}

Result<Message> read_hello(Reader in) {
    Hello m;
    m.version = in.number<std::uint16_t>();
    const auto id = in.raw(m.agent_id.size());
    std::copy(id.begin(), id.end(), m.agent_id.begin());
    m.listen_port = in.number<std::uint16_t>();
    const auto agent_size = in.number<std::uint8_t>();
    m.agent = std::string(as_text(in.raw(agent_size)));
    if (m.version == 0 || agent_size > limits::max_agent_name || !read_root(in, m.root)) return wrong("hello");
    if (m.version < 2) return m;
    if (!read_provenance(in, m.root.provenance)) return wrong("hello");
    const auto others = in.number<std::uint8_t>();
    if (!in.ok() || others >= limits::max_roots_on_show) return wrong("hello");
    m.others.resize(others);
    for (auto& other : m.others)
        if (!read_root(in, other) || !read_provenance(in, other.provenance)) return wrong("hello");
    return m;
}

Result<Message> read_ask(Reader in) {
    Ask m;
    m.token = in.number<Token>();
    const auto count = in.number<std::uint16_t>();
    if (count == 0 || count > limits::max_ask || in.left() != count * Digest::size) return wrong("ask");
    m.digests.reserve(count);
    for (int i = 0; i < count; ++i) m.digests.push_back(in.fixed<Digest>());
    return m;
}

bool read_told(Reader& in, Told& entry) {
    entry.digest = in.fixed<Digest>();
    entry.size = in.number<ByteCount>();
    entry.signature = in.number<std::uint16_t>();
    const auto pieces = in.number<std::uint16_t>();
    if (!in.ok() || entry.size < 0 || entry.size > limits::max_artifact ||
        entry.signature > limits::max_package_signature)
        return false;
    if (pieces != 0 && pieces != core::piece_count(entry.size)) return false;
    if (in.left() < pieces * PieceHash::size) return false;
    entry.pieces.reserve(pieces);
    for (int i = 0; i < pieces; ++i) entry.pieces.push_back(in.fixed<PieceHash>());
    return true;
}

Result<Message> read_tell(Reader in) {
    Tell m;
    m.token = in.number<Token>();
    const auto last = in.number<std::uint8_t>();
    m.last = last == 1;
    const auto count = in.number<std::uint16_t>();
    if (last > 1 || count > limits::max_ask) return wrong("tell");
    m.entries.resize(count);
    for (auto& entry : m.entries)
        if (!read_told(in, entry)) return wrong("tell");
    if (!in.exact()) return wrong("tell");
    return m;
}

Result<Message> read_get(Reader in) {
    Get m;
    m.token = in.number<Token>();
    m.digest = in.fixed<Digest>();
    m.offset = in.number<ByteCount>();
    m.length = in.number<std::uint32_t>();
    const bool sane =
        m.length > 0 && m.length <= limits::max_data_block && m.offset >= 0 && m.offset < limits::max_artifact;
    if (!in.exact() || !sane) return wrong("get");
    return m;
}

Result<Message> read_data(Reader in) {
    Data m;
    m.token = in.number<Token>();
    m.bytes = in.raw(in.left());
    const bool sane = !m.bytes.empty() && static_cast<ByteCount>(m.bytes.size()) <= limits::max_data_block;
    if (!in.ok() || !sane) return wrong("data");
    return m;
}

Result<Message> read_have(Reader in) {
    Have m;
    m.digest = in.fixed<Digest>();
    m.size = in.number<ByteCount>();
    if (!in.ok() || m.size <= 0 || m.size > limits::max_artifact) return wrong("have");
    m.pieces.resize(core::piece_count(m.size));
    const auto bits = in.raw((m.pieces.size() + 7) / 8);
    if (!in.exact()) return wrong("have");
    for (std::size_t piece = 0; piece < bits.size() * 8; ++piece) {
        const bool is_set = (static_cast<std::uint8_t>(bits[piece / 8]) & (0x80 >> (piece % 8))) != 0;
        if (is_set && piece >= m.pieces.size()) return wrong("have");
        if (is_set) m.pieces[piece] = true;
    }
    return m;
}

template <class TokenOnly>
Result<Message> read_token(Reader in, std::string_view name) {
    TokenOnly m{in.number<Token>()};
    if (!in.exact()) return wrong(name);
    return m;
}

}  // namespace

Bytes encode(const Message& message, std::size_t headroom) {
    return std::visit([headroom](const auto& m) { return write(m, headroom); }, message);
}

Bytes encode_data(Token token, std::size_t length, std::size_t headroom) {
    Writer out(Type::data, headroom);
    out.reserve(headroom + 5 + length);
    auto bytes = out.number(token).take();
    bytes.resize(bytes.size() + length);
    return bytes;
}

Result<Message> decode(ByteView bytes) {
    if (static_cast<ByteCount>(bytes.size()) > limits::max_peer_message) return wrong("message: too long");
    Reader in(bytes);
    switch (static_cast<Type>(in.number<std::uint8_t>())) {
        case Type::hello:
            return read_hello(in);
        case Type::ask:
            return read_ask(in);
        case Type::tell:
            return read_tell(in);
        case Type::get:
            return read_get(in);
        case Type::data:
            return read_data(in);
        case Type::refuse:
            return read_token<Refuse>(in, "refuse");
        case Type::cancel:
            return read_token<Cancel>(in, "cancel");
        case Type::have:
            return read_have(in);
    }
    return wrong("message: unknown type");
}

std::size_t encoded_size(const Told& entry) { return Digest::size + 12 + entry.pieces.size() * PieceHash::size; }

}  // namespace packswarm::swarm
