#include "p2p/broker/desks/root_desk.hpp"

#include <algorithm>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/core/bundle.hpp"

namespace packswarm::broker {

bool RootDesk::serve(RequestId id, const Meaning& meaning) {
    for (const auto& location : meaning.locations) {
        const auto roots = core::root_paths(*location.repository);
        const auto signed_root = location.repository->format->root_signed_at(*location.repository, location.path);
        const bool wants_signature = signed_root.has_value();
        const std::string path = signed_root.value_or(location.path);
        if (std::find(roots.begin(), roots.end(), path) == roots.end()) continue;
        const Key key{{location.repository->id, core::address(location.base, path)}, askers_.has_other_way(id)};
        // Of the root that is being fetched now, when there is one: some ask for both at once.
        const bool is_on_its_way = !key.has_other_way && roots_.count(key) != 0;
        if (wants_signature && !is_on_its_way && serve_signature(id, key.at, location, meaning.url)) return true;
        const auto since = wants_signature ? std::nullopt : askers_.at(id).request.if_modified_since;
        auto& live = roots_[key];  // one for each address: what another one has is no answer
        live.askers.push_back(
            {id, wants_signature, since ? book_.sightings().given(*location.repository, path, *since) : std::nullopt});
        if (live.fetch) return true;
        RootFetch::Wish wish{*location.repository, path, location.base, context_.board.peer_grace,
                             key.has_other_way,    since};
        live.fetch = std::make_unique<RootFetch>(context_, book_, std::move(wish),
                                                 lifetime_.guard([this, key](Result<RootAnswer> result) {
                                                     if (result) needs_.told(key.at.repository);
                                                     answered(key, std::move(result));
                                                 }));
        return true;
    }
    return false;
}

void RootDesk::leave(RequestId id) {
    for (auto& [key, root] : roots_)
        std::erase_if(root.askers, [id](const RootAsker& asker) { return asker.request == id; });
    std::erase_if(roots_, [](const auto& item) { return item.second.askers.empty(); });
}

void RootDesk::note_served(const RootAddress& address, const Result<RootAnswer>& answer) {
    GivenRoots::Given given;
    if (answer && answer->signature) given.signature = *answer->signature;
    if (answer) given.modified = answer->signature_modified;
    if (answer) given.digest = answer->opened->signature_digest;
    if (answer) given.content = answer->opened->index.content;
    given.fate = GivenRoots::Fate::had;  // by others, for all that is known
    given_.served(address, std::move(given));
}

bool RootDesk::is_behind(const core::Location& location) const {
    const auto& newest = book_.state_of(location.repository->id).root;
    bool is_known = false;
    for (const auto& path : core::root_paths(*location.repository)) {
        const auto* last = given_.last_at({location.repository->id, core::address(location.base, path)});
        if (last != nullptr && newest && last->content == newest->index.content) return false;
        is_known = is_known || last != nullptr;
    }
    return is_known;
}

// It goes with the root that this transaction was given. Who has another way to both gets both by it; others get what
// goes with the root that this address was served last, or else with the newest.
std::optional<GivenRoots::Given> RootDesk::signature_for(RequestId id, const RootAddress& address,
                                                         const core::Location& location, const Url& url) const {
    const auto text = url.text();
    const auto* given = given_.find(askers_.at(id).request.transaction, text.substr(0, text.rfind('.')));
    if (given == nullptr) given = given_.last_at(address);
    if (given != nullptr) return *given;
    const auto& state = book_.state_of(location.repository->id);
    if (!state.root) return std::nullopt;
    auto bundle = core::unpack_bundle(state.root->bundle);
    if (!bundle || !bundle->signature) return std::nullopt;
    return GivenRoots::Given{
        {}, {}, std::move(*bundle->signature), state.modified, GivenRoots::Fate::had, state.root->signature_digest};
}

bool RootDesk::serve_signature(RequestId id, const RootAddress& address, const core::Location& location,
                               const Url& url) {
    const auto text = url.text();
    const auto& request = askers_.at(id).request;
    if (askers_.has_other_way(id) && given_.find(request.transaction, text.substr(0, text.rfind('.'))) == nullptr) {
        askers_.fail(id, {ErrorKind::Absent, "the file that it signs did not come from here"}, {});
        return true;
    }
    const auto given = signature_for(id, address, location, url);
    if (!given || given->signature.empty()) return false;
    give_signature(id, *given, {SourceKind::cache, "", static_cast<ByteCount>(given->signature.size()), 0},
                   "it came with the index");
    return true;
}

// It bears its mirror's date, which a client gives its copy, and names when it asks the mirror itself one day. Whoever
// takes the root must take its signature too, and who keeps the former root must keep that one's.
void RootDesk::give_signature(RequestId id, const GivenRoots::Given& given, const SourceShare& from,
                              const char* reason) {
    using Fate = GivenRoots::Fate;
    const auto since = askers_.at(id).request.if_modified_since;
    const bool is_level = since && given.modified && *given.modified <= *since;
    const bool obeys_dates = manners_of(askers_.at(id).request.asker).obeys_dates;
    if (since &&
        ((given.fate == Fate::passed_over && obeys_dates) || (given.fate == Fate::had && given.modified == since)))
        return askers_.say_not_modified(id, {SourceKind::cache, "", 0, 0});
    const auto modified = is_level && given.fate == Fate::taken ? *since + Seconds(1) : given.modified;
    holding_.deliver({id}, given.signature, {{}, 0, given.digest, modified, {from}}, reason);
}

// The asker's own copy is what the answer would be: the mirror says so of exactly its date, or it was handed these very
// bytes with it. A date alone orders nothing: what was published later may bear an earlier one.
bool RootDesk::has_it_already(const RootAsker& asker, const RootAnswer& answer) const {
    const auto since = askers_.at(asker.request).request.if_modified_since;
    if (asker.wants_signature || !since) return false;
    return answer.unchanged_since == since || asker.held == answer.opened->index.digest;
}

void RootDesk::answered(const Key& key, Result<RootAnswer> result) {
    const auto at = roots_.find(key);
    if (at == roots_.end()) return;
    const auto live = std::move(at->second);
    roots_.erase(at);
    if (result || live.fetch->own_is_refused()) note_served(key.at, result);
    std::vector<RequestId> takers;  // of one file
    for (const auto& asker : live.askers) {
        const auto id = asker.request;
        if (askers_.find(id) == nullptr) continue;
        if (result && wants_root(asker, *result))
            takers.push_back(id);
        else if (result)
            continue;
        else if (live.fetch->own_is_refused() && !askers_.has_other_way(id))
            hand_through(id);
        else
            askers_.fail(id, result.error(), {});
    }
    if (takers.empty()) return;
    const auto digest = result->opened->index.digest;
    holding_.deliver(std::move(takers), std::move(result->root), {{}, 0, digest, result->modified, {result->from}},
                     "revalidated and verified");
}

void RootDesk::answer_signature(RequestId id, const RootAnswer& answer) {
    if (!answer.signature) return askers_.fail(id, {ErrorKind::Absent, "the index carries its own signature"}, {});
    const auto fate = answer.unchanged_since ? GivenRoots::Fate::had : GivenRoots::Fate::taken;
    give_signature(id, {{}, {}, *answer.signature, answer.signature_modified, fate, answer.opened->signature_digest},
                   answer.from, "revalidated and verified");
}

bool RootDesk::wants_root(const RootAsker& asker, const RootAnswer& answer) {
    using Fate = GivenRoots::Fate;
    const auto id = asker.request;
    if (asker.wants_signature) {
        answer_signature(id, answer);
        return false;
    }
    const auto& request = askers_.at(id).request;
    const auto since = request.if_modified_since;
    const bool has_it = has_it_already(asker, answer);
    const bool is_passed_over = since && answer.modified && *answer.modified <= *since;
    const auto fate = has_it ? Fate::had : is_passed_over ? Fate::passed_over : Fate::taken;
    if (const auto url = Url::parse(request.url); url && answer.signature)
        given_.gave({request.transaction, url->text(), *answer.signature, answer.signature_modified, fate,
                     answer.opened->signature_digest});
    if (has_it) askers_.say_not_modified(id, answer.from);
    return !has_it;
}

// Not believed here, and nobody else had a better one: its asker is told what its mirror says, and judges it himself.
void RootDesk::hand_through(RequestId id) {
    const auto& request = askers_.at(id).request;
    const auto meaning = reader_.read(request);
    if (!meaning) return askers_.fail(id, meaning.error(), {});
    given_.forget(request.transaction, meaning->url.text());
    needs_.hand_through(id, *meaning);
}

}  // namespace packswarm::broker
