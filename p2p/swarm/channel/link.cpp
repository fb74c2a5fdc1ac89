#include "p2p/swarm/channel/link.hpp"

#include <algorithm>
#include <libtorrent/bdecode.hpp>
#include <libtorrent/bitfield.hpp>
#include <libtorrent/entry.hpp>
#include <libtorrent/operations.hpp>
#include <libtorrent/peer_info.hpp>
#include <libtorrent/peer_request.hpp>

#include "p2p/swarm/channel/no_delay.hpp"
#include "p2p/swarm/networks.hpp"
#include "p2p/swarm/unwanted.hpp"

namespace packswarm::swarm {

namespace {

constexpr const char* extension_name = "packswarm";
constexpr const char* number_key =
    "packswarm_agent";      // in the extension handshake, for agents that dial each other at once
constexpr int our_id = 21;  // messages to us carry this number,
constexpr const char* meet_name = "packswarm_meet";
constexpr int our_meet_id = 22;        // introductions this one
constexpr char extended_message = 20;  // BEP 10
constexpr int max_introduction = 64;
constexpr std::size_t coalesced = 8 * 1024;  // smaller messages leave together

bool is_answer(lt::span<const char> body) { return !body.empty() && (body[0] == 3 || body[0] == 5 || body[0] == 6); }

// Ends that only a peer outside the protocol causes.
bool is_breach(const lt::error_code& why) {
    namespace e = lt::errors;
    static const std::array<int, 8> breaches = {e::packet_too_large, e::invalid_bitfield_size,  e::invalid_have,
                                                e::invalid_piece,    e::invalid_piece_size,     e::invalid_extended,
                                                e::invalid_message,  e::too_many_corrupt_pieces};
    return why.category() == lt::libtorrent_category() &&
           std::find(breaches.begin(), breaches.end(), why.value()) != breaches.end();
}

}  // namespace

Link::Link(LinkKeeper& keeper, const Meet& where, lt::peer_connection_handle connection, Welcome welcome)
    : keeper_(keeper),
      where_(where),
      connection_(std::move(connection)),
      address_(plain(connection_.remote().address())),
      welcome_(welcome),
      is_dial_(connection_.is_outgoing()) {}

void Link::start(std::unique_ptr<Giver> giver, TakerEvents events, Taker::Window window) {
    giver_ = std::move(giver);
    taker_ = std::make_unique<Taker>(*this, std::move(events), window);
}

// ---- Sending

void Link::say_hello() { send(encode(keeper_.hello_for(where_.lineage), frame_size)); }

void Link::send(Bytes framed) {
    const auto length = static_cast<std::uint32_t>(framed.size() - 4);
    for (std::size_t i = 0; i < 4; ++i) framed[i] = static_cast<char>(length >> (24 - 8 * i));
    framed[4] = extended_message;
    framed[5] = static_cast<char>(their_id_);
    if (framed.size() < coalesced) {
        pending_.insert(pending_.end(), framed.begin(), framed.end());
        if (pending_.size() >= coalesced) flush();
        return;
    }
    flush();
    if (is_open_) connection_.send_buffer(framed.data(), static_cast<int>(framed.size()));
}

void Link::flush() {
    if (is_open_ && !pending_.empty()) connection_.send_buffer(pending_.data(), static_cast<int>(pending_.size()));
    pending_.clear();
}

void Link::introduce(const Introduction& introduction) {
    auto framed = encode(introduction, frame_size);
    const auto length = static_cast<std::uint32_t>(framed.size() - 4);
    for (std::size_t i = 0; i < 4; ++i) framed[i] = static_cast<char>(length >> (24 - 8 * i));
    framed[4] = extended_message;
    framed[5] = static_cast<char>(their_meet_id_);
    pending_.insert(pending_.end(), framed.begin(), framed.end());
    flush();
}

bool Link::is_utp() const {
    lt::peer_info info;
    connection_.get_peer_info(info);
    return (info.flags & lt::peer_info::utp_socket) != lt::peer_flags_t{};
}

ByteCount Link::queued() {
    if (!is_open_) return 0;
    lt::peer_info info;
    connection_.get_peer_info(info);
    return info.used_send_buffer + static_cast<ByteCount>(pending_.size());
}

// ---- The connection's life

void Link::close(const lt::error_code& why) {
    if (is_open_) connection_.disconnect(why, lt::operation_t::bittorrent, lt::peer_connection_interface::failure);
}

void Link::breach(const std::string& what) {
    if (!is_open_ || has_breached_) return;
    has_breached_ = true;
    keeper_.breached(*this, what);
    close(lt::errors::make_error_code(lt::errors::invalid_message));
}

void Link::on_disconnect(const lt::error_code& why) {
    if (!is_open_) return;
    if (is_breach(why) && !has_breached_) keeper_.breached(*this, why.message());
    keeper_.closed(*this);
    is_open_ = false;
    seat_.reset();
}

// Two agents that have nothing to give to the torrent itself are what a rendezvous is made of.
bool Link::can_disconnect(const lt::error_code& why) {
    namespace e = lt::errors;
    return why != lt::error_code(e::upload_upload_connection) && why != lt::error_code(e::uninteresting_upload_peer) &&
           why != lt::error_code(e::torrent_finished);
}

void Link::add_handshake(lt::entry& handshake) {
    handshake["m"][extension_name] = our_id;
    handshake["m"][meet_name] = our_meet_id;
    const auto& number = keeper_.agent_id();
    handshake[number_key] = std::string(number.begin(), number.end());
}

bool Link::on_handshake(lt::span<const char> reserved) {
    const bool speaks_extensions = reserved.size() > 5 && (reserved[5] & 0x10) != 0;
    if (!speaks_extensions || welcome_ == Welcome::no)
        close(unwanted());
    else
        no_delay(connection_.local_endpoint(), connection_.remote());
    return speaks_extensions && welcome_ == Welcome::yes;
}

bool Link::on_extension_handshake(const lt::bdecode_node& handshake) {
    const auto messages = handshake.dict_find_dict("m");
    const auto id = messages ? messages.dict_find_int_value(extension_name, 0) : 0;
    if (id < 1 || id > 255) {
        close(unwanted());
        return false;
    }
    const auto meet_id = messages.dict_find_int_value(meet_name, 0);
    their_meet_id_ = meet_id > 0 && meet_id <= 255 ? static_cast<int>(meet_id) : 0;
    const auto number = handshake.dict_find_string_value(number_key);
    const auto port = handshake.dict_find_int_value("p", 0);
    AgentId theirs{};
    if (number.size() == theirs.size() && port > 0 && port <= 65535 && !connection_.is_outgoing()) {
        std::copy(number.begin(), number.end(), theirs.begin());
        keeper_.dialled_by(*this, theirs, {address_, static_cast<std::uint16_t>(port)});
    }
    if (their_id_ == static_cast<int>(id)) return true;
    their_id_ = static_cast<int>(id);
    say_hello();
    flush();
    return true;
}

// ---- Receiving

bool Link::on_extended(int length, int id, lt::span<const char> body) {
    if (id == our_meet_id) return take_introduction(length, body);
    if (id != our_id) return keeper_.gossips(*this), false;
    if (!is_open_) return true;
    if (length > limits::max_peer_message) return breach("a message longer than allowed"), true;
    if (taker_ && is_answer(body)) taker_->heard(std::chrono::steady_clock::now());
    if (body.size() < length) return true;
    const auto message = decode({body.data(), static_cast<std::size_t>(body.size())});
    if (!message) return breach(message.error().message), true;
    take(*message);
    if (is_open_ && is_up()) keeper_.active(*this);
    if (seat_) seat_->used(std::chrono::steady_clock::now());
    return true;
}

void Link::take(const Message& message) {
    if (const auto* hello = std::get_if<Hello>(&message)) return take(*hello);
    if (!is_up()) return breach("a message before hello");
    const auto now = std::chrono::steady_clock::now();
    if (const auto* ask = std::get_if<Ask>(&message)) {
        keeper_.asked(*this, *ask);
        giver_->take(*ask, now);
    }
    if (const auto* get = std::get_if<Get>(&message))
        giver_->take(*get);
    else if (const auto* cancel = std::get_if<Cancel>(&message))
        giver_->take(*cancel);
    else if (const auto* tell = std::get_if<Tell>(&message))
        taker_->take(*tell, now);
    else if (const auto* data = std::get_if<Data>(&message))
        taker_->take(*data);
    else if (const auto* have = std::get_if<Have>(&message))
        taker_->take(*have, now);
    else if (const auto* refuse = std::get_if<Refuse>(&message))
        taker_->take(*refuse);
}

void Link::take(const Hello& hello) {
    if (!hellos_.take(1, std::chrono::steady_clock::now())) return breach("a flood of hellos");
    if (is_up() && (hello.agent_id != peer_hello.agent_id || hello.listen_port != peer_hello.listen_port))
        return breach("a hello from somebody else");
    if (keeper_.greeted(*this, hello)) peer_hello = hello;
}

bool Link::take_introduction(int length, lt::span<const char> body) {
    if (!is_open_) return true;
    if (length > max_introduction) return breach("a message longer than allowed"), true;
    if (body.size() < length) return true;
    const auto introduction = decode_introduction({body.data(), static_cast<std::size_t>(body.size())});
    if (!introduction) return breach(introduction.error().message), true;
    if (!is_up() || !introductions_.take(1, std::chrono::steady_clock::now())) return true;
    keeper_.introduced(*this, *introduction);
    return true;
}

// Nobody can have a piece whose hash has no known preimage.
bool Link::liar() {
    breach("claims to have what nobody can have");
    return true;
}

bool Link::on_have(lt::piece_index_t) { return liar(); }
bool Link::on_have_all() { return liar(); }
bool Link::on_bitfield(const lt::bitfield& pieces) { return pieces.none_set() ? false : liar(); }
bool Link::on_piece(const lt::peer_request&, lt::span<const char>) { return liar(); }

}  // namespace packswarm::swarm
