#include "p2p/broker/desks/request_reader.hpp"

#include <algorithm>
#include <utility>

#include "p2p/base/limits.hpp"

namespace packswarm::broker {

namespace {

bool is_root(const core::Location& location) {
    return location.repository->format->classify(location.path) == core::PathKind::root;
}

}  // namespace

Result<Meaning> RequestReader::read(const Request& request) const {
    auto url = Url::parse(request.url);
    if (!url) return tl::unexpected(url.error());
    if (url->has_credentials)
        return fail(ErrorKind::Refused, "addresses with a user name or password are not taken: fetch it directly");
    Meaning meaning;
    meaning.url = std::move(*url);
    meaning.locations = book_.table().locate(meaning.url);
    meaning.digest = request.digest;
    meaning.size = request.size;
    if (meaning.digest) {
        for (const auto& location : meaning.locations)  // what its own repository says of it, before what others do
            if (!meaning.hit) meaning.hit = book_.catalog().find_in(location.repository->id, *meaning.digest);
        if (!meaning.hit) meaning.hit = book_.find(*meaning.digest);
    } else {
        for (const auto& location : meaning.locations)
            if (!meaning.hit && !is_root(location) && !is_behind_(location))
                meaning.hit = book_.catalog().find(location.repository->id, location.path);
        if (meaning.hit) meaning.digest = meaning.hit->entry.digest;
    }
    if (meaning.hit && !meaning.size) meaning.size = meaning.hit->entry.size;
    const ByteCount cap = request.max_size > 0 ? request.max_size : limits::max_artifact;
    if (meaning.size && (*meaning.size > cap || *meaning.size < 0))
        return fail(ErrorKind::Refused, "{} bytes are more than the {} that may be fetched", *meaning.size, cap);
    if (meaning.hit && meaning.size && *meaning.size != meaning.hit->entry.size)
        return fail(ErrorKind::Refused, "the asked size {} is not the {} of the signed index", *meaning.size,
                    meaning.hit->entry.size);
    return meaning;
}

bool RequestReader::is_listed(const Meaning& meaning) const {
    return meaning.hit || std::any_of(meaning.locations.begin(), meaning.locations.end(), [this](const auto& location) {
               return package_of_signature(location).has_value();
           });
}

std::optional<core::CatalogHit> RequestReader::package_of_signature(const core::Location& location) const {
    const auto path = location.repository->format->package_signed_at(location.path);
    if (!path) return std::nullopt;
    auto package = book_.catalog().find(location.repository->id, *path);
    return package && !package->entry.name.empty() ? std::move(package) : std::nullopt;
}

// Where a file may be asked for. Under its name alone, at the address that was asked, since names may be private,
// unless the repository's bases are one list. By its digest, at all bases that stand with that one; and at those
// of repositories that were shown to be the same, when the asker's own index lists it.
std::vector<MirrorAddress> RequestReader::addresses(const Meaning& meaning) const {
    std::vector<MirrorAddress> out;
    const auto add_address = [&](const std::string& base, const std::string& address) {
        const auto source = context_.sources.mirror(base);
        if (std::none_of(out.begin(), out.end(), [&](const MirrorAddress& known) { return known.source == source; }))
            out.push_back({source, address});
    };
    const auto is_its_own = [&](const core::Location& location) {
        return meaning.hit && meaning.hit->repository == location.repository->id;
    };
    const bool is_listed = std::any_of(meaning.locations.begin(), meaning.locations.end(), is_its_own);
    std::vector<const core::Location*> asked;
    for (const auto& location : meaning.locations)
        if (is_listed ? is_its_own(location) : location.base.size() == meaning.locations.front().base.size())
            asked.push_back(&location);
    if (asked.empty()) return {{context_.sources.mirror(meaning.url.origin()), meaning.url.asked()}};
    for (const auto* location : asked) add_address(location->base, meaning.url.asked());
    for (const auto* location : asked)
        if (const auto led = context_.led_on.find(location->base); led != context_.led_on.end())
            add_address(led->second, core::address(led->second, location->path));
    const auto add = [&](const std::string& base, const std::string& path) {
        add_address(base, core::address(base, path));
    };
    // Several suites may have the base in common and other mirrors beside it: whose file it is, nobody knows unless an
    // index says so.
    const auto has_base = [](const core::Location* location, const std::string& base) {
        const auto& bases = location->repository->bases;
        return std::find(bases.begin(), bases.end(), base) != bases.end();
    };
    const auto& first = *asked.front();
    if (!meaning.digest && !first.repository->format.habits().bases_are_one_list) return out;
    for (const auto& base : first.repository->bases)
        if (std::all_of(asked.begin(), asked.end(),
                        [&](const core::Location* location) { return has_base(location, base); }))
            add(base, first.path);
    if (is_listed)
        for (const auto& base : book_.lent_bases(*first.repository)) add(base, first.path);
    return out;
}

}  // namespace packswarm::broker
