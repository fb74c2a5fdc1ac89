#include "p2p/swarm/torrents/joins.hpp"

#include <algorithm>
#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/peer_request.hpp>
#include <libtorrent/torrent_flags.hpp>
#include <libtorrent/torrent_info.hpp>

#include "p2p/base/log.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/swarm/infohash.hpp"
#include "p2p/swarm/unwanted.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr Millis tick_interval{500};
constexpr int max_restarts = 3;
constexpr auto reach_patience = 4s;    // when by then nobody who was dialled has answered, nobody can be reached
constexpr int block_size = 16 * 1024;  // what libtorrent asks for at a time
constexpr auto several = broker::PeerId::none;  // sent that block, and nobody tells whose bytes were taken

lt::piece_index_t index_of(std::size_t piece) { return lt::piece_index_t(static_cast<int>(piece)); }
std::size_t number_of(lt::piece_index_t piece) { return static_cast<std::size_t>(static_cast<int>(piece)); }

}  // namespace

// One connection that we take from.
class Joins::Source final : public lt::peer_plugin {
  public:
    Source(Joins& owner, broker::JoinId id, const lt::peer_connection_handle& connection)
        : owner_(owner), id_(id), connection_(connection), peer_(owner.channel_.peer_at(connection.remote())) {}
    bool on_handshake(lt::span<const char>) override {
        if (connection_.is_outgoing()) {
            owner_.met(id_);
            return true;
        }
        connection_.disconnect(unwanted(), lt::operation_t::bittorrent, lt::peer_connection_interface::failure);
        return false;
    }
    bool on_request(const lt::peer_request&) override { return true; }  // nothing leaves before its digest is verified
    bool on_piece(const lt::peer_request& request, lt::span<const char> bytes) override {
        if (bytes.size() == request.length) owner_.got_block(id_, request, peer_);
        return false;
    }
    // A torrent whose remaining pieces are all claimed counts as finished, and still wants its peers when they are
    // given back.
    bool can_disconnect(const lt::error_code& why) override {
        namespace e = lt::errors;
        return why != lt::error_code(e::torrent_finished) && why != lt::error_code(e::upload_upload_connection) &&
               why != lt::error_code(e::uninteresting_upload_peer);
    }

  private:
    Joins& owner_;
    broker::JoinId id_;
    lt::peer_connection_handle connection_;
    broker::PeerId peer_;
};

class Joins::Taking final : public lt::torrent_plugin {
  public:
    Taking(Joins& owner, broker::JoinId id) : owner_(owner), id_(id) {}
    std::shared_ptr<lt::peer_plugin> new_connection(const lt::peer_connection_handle& connection) override {
        return std::make_shared<Source>(owner_, id_, connection);
    }
    void on_piece_pass(lt::piece_index_t piece) override { owner_.piece_passed(id_, number_of(piece)); }
    void on_piece_failed(lt::piece_index_t piece) override { owner_.piece_failed(id_, number_of(piece)); }

  private:
    Joins& owner_;
    broker::JoinId id_;
};

void Joins::start() {
    session_.every(tick_interval, [this] { tick(); });
}

Joins::Torrent* Joins::find(broker::JoinId id) {
    const auto at = torrents_.find(id);
    return at == torrents_.end() ? nullptr : &at->second;
}

Joins::Torrent* Joins::find(const lt::torrent_handle& handle) {
    for (auto& [id, torrent] : torrents_)
        if (torrent.handle == handle) return &torrent;
    return nullptr;
}

// ---- In and out

void Joins::join(broker::JoinId id, broker::Join join) {
    auto& torrent = torrents_[id];
    torrent.id = id;
    torrent.join = std::move(join);
    torrent.last_life = now();
    for (const bool have : torrent.join.have) torrent.pieces.push_back(have ? Piece::done : Piece::wanted);
    torrent.contested.resize(torrent.pieces.size(), false);
    if (auto sane = check(torrent.join); !sane) return end(torrent, sane.error());
    torrent.infohash = infohash(torrent.join.digest, torrent.join.size, torrent.join.pieces);
    on_demand_.unload(torrent.infohash);
    if (auto added = add(torrent); !added) end(torrent, added.error());
}

Result<void> Joins::check(const broker::Join& join) const {
    const auto count = core::piece_count(join.size);
    if (join.size <= 0 || join.pieces.size() != count || join.have.size() != count)
        return fail(ErrorKind::Broken, "{} hashes and {} marks do not fit a torrent of {} pieces", join.pieces.size(),
                    join.have.size(), count);
    return {};
}

lt::add_torrent_params Joins::params_of(const Torrent& torrent) {
    const auto& join = torrent.join;
    lt::add_torrent_params params;
    params.ti = canonical_info(join.digest, join.size, join.pieces);
    params.save_path = join.file.path().parent_path().string();
    params.renamed_files[lt::file_index_t(0)] = join.file.path().filename().string();
    namespace f = lt::torrent_flags;
    params.flags =
        f::paused | f::sequential_download | f::duplicate_is_error | f::disable_dht | f::disable_lsd | f::disable_pex;
    // Given even when nothing is there: without marks libtorrent would hash the whole staged file.
    params.have_pieces.resize(static_cast<int>(torrent.pieces.size()), false);
    for (std::size_t piece = 0; piece < torrent.pieces.size(); ++piece) {
        if (torrent.pieces[piece] == Piece::done) params.have_pieces.set_bit(index_of(piece));
        params.piece_priorities.push_back(torrent.pieces[piece] == Piece::claimed ? lt::dont_download
                                                                                  : lt::default_priority);
    }
    for (const auto peer : join.peers)
        if (const auto endpoint = channel_.torrent_endpoint(peer)) params.peers.push_back(*endpoint);
    params.extensions.push_back([this, id = torrent.id](const lt::torrent_handle&, lt::client_data_t) {
        return std::make_shared<Taking>(*this, id);
    });
    return params;
}

Result<void> Joins::add(Torrent& torrent) {
    lt::error_code error;
    session_.let_in([&] { torrent.handle = session_.handle().add_torrent(params_of(torrent), error); });
    if (error)
        return fail(ErrorKind::Broken, "the torrent of {} cannot be joined: {}", torrent.join.digest.hex(),
                    error.message());
    return {};
}

void Joins::add_peer(broker::JoinId id, broker::PeerId peer) {
    auto* torrent = find(id);
    const auto endpoint = channel_.torrent_endpoint(peer);
    if (torrent == nullptr || !torrent->handle.is_valid() || !endpoint) return;
    torrent->join.peers.push_back(peer);
    session_.let_in([&] { torrent->handle.connect_peer(*endpoint); });
}

void Joins::leave(broker::JoinId id) {
    const auto node = torrents_.extract(id);
    if (node && node.mapped().handle.is_valid()) return remove(node.mapped(), id);
    loop_.tell([id](LoopSide& side) { side.left(id); });
}

// The staged file is held until the torrent has let go of it.
void Joins::remove(const Torrent& torrent, broker::JoinId left) {
    leaving_.emplace(torrent.infohash, std::pair(left, torrent.join));
    session_.handle().remove_torrent(torrent.handle);
}

// libtorrent has banned a peer that was only near the lies of another: a fresh torrent forgets that.
void Joins::restart(broker::JoinId id) {
    auto* torrent = find(id);
    if (torrent == nullptr || !torrent->handle.is_valid() || torrent->restarts == max_restarts) return;
    ++torrent->restarts;
    remove(*torrent, broker::JoinId::none);
    torrent->is_ready = false;
    torrent->givers.clear();
    if (auto added = add(*torrent); !added) end(*torrent, added.error());
}

void Joins::end(Torrent& torrent, Error error) {
    loop_.tell([id = torrent.id, error = std::move(error)](LoopSide& side) { side.ended(id, tl::unexpected(error)); });
}

void Joins::tick() {
    for (auto& [id, torrent] : torrents_) {
        std::vector<std::size_t> lost;  // libtorrent hears no add_piece for a piece that it is just giving up
        for (const auto& [piece, fed] : torrent.fed)
            if (torrent.is_ready && now() - fed.given > tick_interval) lost.push_back(piece);
        for (const auto piece : lost) give(id, piece);
        const bool wants =
            std::find(torrent.pieces.begin(), torrent.pieces.end(), Piece::wanted) != torrent.pieces.end();
        if (!wants) torrent.last_life = torrent.dialled = now();
        if (torrent.is_ready && !torrent.is_met && now() > torrent.dialled + reach_patience) {
            torrent.is_met = true;  // said once
            end(torrent, {ErrorKind::Transient, "no peer of the torrent can be reached"});
            continue;
        }
        if (now() - torrent.last_life < silence_) continue;
        torrent.last_life = now();
        end(torrent, {ErrorKind::Transient, "no peer of the torrent gives anything"});
    }
}

// ---- Pieces

void Joins::set_priorities(Torrent& torrent, std::size_t first, std::size_t count, Piece from, Piece to) {
    std::vector<std::pair<lt::piece_index_t, lt::download_priority_t>> changes;
    const auto priority = to == Piece::claimed ? lt::dont_download : lt::default_priority;
    for (std::size_t piece = first; piece < std::min(first + count, torrent.pieces.size()); ++piece) {
        if (torrent.pieces[piece] != from) continue;
        torrent.pieces[piece] = to;
        if (to == Piece::claimed) torrent.contested[piece] = true;
        changes.emplace_back(index_of(piece), priority);
    }
    if (!changes.empty() && torrent.handle.is_valid()) torrent.handle.prioritize_pieces(changes);
}

void Joins::claim(broker::JoinId id, std::size_t first, std::size_t count) {
    if (auto* torrent = find(id)) set_priorities(*torrent, first, count, Piece::wanted, Piece::claimed);
}

void Joins::unclaim(broker::JoinId id, std::size_t first, std::size_t count) {
    if (auto* torrent = find(id)) set_priorities(*torrent, first, count, Piece::claimed, Piece::wanted);
}

// Hashed here although libtorrent does it again: so a wrong piece is the mirror's fault or the hints', and a piece that
// fails later is a peer's.
void Joins::feed(broker::JoinId id, std::size_t piece, Bytes bytes) {
    auto* torrent = find(id);
    if (torrent == nullptr || piece >= torrent->pieces.size() || torrent->pieces[piece] == Piece::done) return;
    const auto hash = PieceHash::from_raw(lt::hasher(lt::span<const char>(bytes)).final().data());
    const bool fits = static_cast<ByteCount>(bytes.size()) == core::piece_range(torrent->join.size, piece).length();
    if (!fits || hash != torrent->join.pieces[piece])
        return loop_.tell([id, piece](LoopSide& side) { side.piece_wrong(id, piece); });
    torrent->fed[piece].bytes = std::move(bytes);
    if (torrent->is_ready) give(id, piece);
}

// A copy stays until the piece is done: blocks that a peer sent wrong may spoil it once.
void Joins::give(broker::JoinId id, std::size_t piece) {
    auto* torrent = find(id);
    const auto fed = torrent == nullptr ? decltype(torrent->fed)::iterator{} : torrent->fed.find(piece);
    if (torrent == nullptr || fed == torrent->fed.end()) return;
    fed->second.given = now();
    torrent->handle.add_piece(index_of(piece), fed->second.bytes, {});
}

void Joins::ready(Torrent& torrent) {
    torrent.is_ready = true;
    torrent.dialled = now();
    for (const auto& [piece, fed] : torrent.fed) give(torrent.id, piece);
    session_.dial_by_tcp();
    torrent.handle.resume();
}

void Joins::met(broker::JoinId id) {
    if (auto* torrent = find(id)) torrent->is_met = true;
}

void Joins::got_block(broker::JoinId id, const lt::peer_request& block, broker::PeerId from) {
    channel_.count(from, block.length, 0);
    session_.much_came();
    auto* torrent = find(id);
    if (torrent == nullptr) return;
    const auto [giver, is_first] = torrent->givers[number_of(block.piece)].emplace(block.start / block_size, from);
    if (!is_first && giver->second != from) giver->second = several;
    torrent->last_life = now();
}

void Joins::piece_passed(broker::JoinId id, std::size_t piece) {
    auto* torrent = find(id);
    if (torrent == nullptr || piece >= torrent->pieces.size() || torrent->pieces[piece] == Piece::done) return;
    torrent->pieces[piece] = Piece::done;
    accuse(*torrent, piece);
    const auto givers = torrent->givers.extract(piece);
    const bool was_fed = torrent->fed.erase(piece) > 0;
    auto from = broker::PeerId::none;
    std::map<broker::PeerId, int> blocks;
    if (givers && !was_fed)
        for (const auto& [block, giver] : givers.mapped())
            if (giver != several && ++blocks[giver] >= blocks[from]) from = giver;
    loop_.tell([id, piece, from](LoopSide& side) { side.piece_done(id, piece, from); });
}

// ---- Who lied. libtorrent's own smart_ban keeps addresses of peers that our bans free, and then accuses their
// successors.

// By answering for this infohash a peer has agreed with the hints: bytes of its own that they deny are its fault.
void Joins::piece_failed(broker::JoinId id, std::size_t piece) {
    auto* torrent = find(id);
    if (torrent == nullptr || piece >= torrent->pieces.size()) return;
    const auto givers = torrent->givers.extract(piece);
    std::set<broker::PeerId> peers;
    if (givers)
        for (const auto& [block, giver] : givers.mapped()) peers.insert(giver);
    if (torrent->contested[piece]) {
        torrent->contested[piece] = torrent->pieces[piece] == Piece::claimed;
    } else if (peers.size() == 1 && peers.count(several) == 0) {
        channel_.blame(*peers.begin(), broker::Blame::wrong_bytes);
    } else if (givers) {
        for (const auto& [block, giver] : givers.mapped())
            if (giver != several) torrent->suspects[piece][block] = {giver, block_hash(*torrent, piece, block)};
    }
}

// Now that the piece is right: whose block was another?
void Joins::accuse(Torrent& torrent, std::size_t piece) {
    const auto suspects = torrent.suspects.extract(piece);
    if (!suspects) return;
    std::set<broker::PeerId> liars;
    for (const auto& [block, given] : suspects.mapped())
        if (block_hash(torrent, piece, block) != given.second) liars.insert(given.first);
    for (const auto liar : liars) channel_.blame(liar, broker::Blame::wrong_bytes);
}

PieceHash Joins::block_hash(const Torrent& torrent, std::size_t piece, int block) const {
    const auto range = core::piece_range(torrent.join.size, piece);
    const ByteCount begin = range.begin + ByteCount{block} * block_size;
    Bytes bytes(static_cast<std::size_t>(std::min<ByteCount>(block_size, range.end - begin)));
    if (!read_at(torrent.join.file.handle(), begin, bytes)) return {};
    return PieceHash::from_raw(lt::hasher(lt::span<const char>(bytes)).final().data());
}

void Joins::on_alert(lt::alert* alert) {
    if (const auto* removed = lt::alert_cast<lt::torrent_removed_alert>(alert)) {
        const auto first = leaving_.lower_bound(Infohash::from_raw(removed->info_hashes.v1.data()));
        if (first == leaving_.end() ||
            first->first.raw() != std::string_view(removed->info_hashes.v1.data(), Infohash::size))
            return;
        const auto node = leaving_.extract(first);
        if (node.mapped().first != broker::JoinId::none)
            loop_.tell([id = node.mapped().first](LoopSide& side) { side.left(id); });
        return;
    }
    const auto* about = dynamic_cast<lt::torrent_alert*>(alert);
    auto* torrent = about == nullptr ? nullptr : find(about->handle);
    if (torrent == nullptr) return;
    if (lt::alert_cast<lt::torrent_checked_alert>(alert)) return ready(*torrent);
    if (const auto* ban = lt::alert_cast<lt::peer_ban_alert>(alert);
        ban && channel_.peer_at(ban->endpoint) != broker::PeerId::none)
        return session_.post([this, id = torrent->id] { restart(id); });
    if (const auto* disk = lt::alert_cast<lt::file_error_alert>(alert))
        return end(*torrent, {ErrorKind::Broken, "the torrent cannot write: " + disk->error.message()});
    if (const auto* error = lt::alert_cast<lt::torrent_error_alert>(alert))
        return end(*torrent, {ErrorKind::Broken, "the torrent stopped: " + error->error.message()});
}

}  // namespace packswarm::swarm
