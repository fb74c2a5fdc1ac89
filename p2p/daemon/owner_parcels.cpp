// What the owner's command line asks for bundles: what could be in one, what is stored, and roots that one brought.
// Lists and packages of a bundle are taken as any file (owner.cpp). The fields: p2p/control/README.md.
#include <memory>
#include <nlohmann/json.hpp>

#include "formats/format.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/core/parcel.hpp"
#include "p2p/daemon/owner.hpp"

namespace packswarm::daemon {

using json = nlohmann::json;

namespace {

using Step = broker::CarriedRoot::Step;

std::int64_t unix_time(WallTime time) { return time.time_since_epoch().count(); }
std::string json_text(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

const char* state_of(Step step) {
    switch (step) {
        case Step::kept:
            return "updated";
        case Step::known:
            return "known";
        case Step::unverified:
        case Step::stranger:
        case Step::refused:
            break;
    }
    return "refused";
}

json source_json(const broker::ParcelSource& source) {
    json lacking = json::array();
    for (const auto& list : source.lacking)
        lacking.push_back({{"url", list.path}, {"sha256", list.digest.hex()}, {"size", list.size}});
    json out{{"id", source.id.text()},
             {"format", source.section.format},
             {"suite", source.section.suite},
             {"public", source.is_public},
             {"lacking", std::move(lacking)}};
    if (source.date != WallTime{}) out["date"] = unix_time(source.date);
    if (source.valid_until) out["valid_until"] = unix_time(*source.valid_until);
    if (source.why_not.empty())
        out["manifest"] = core::manifest_of({{source.section}});
    else
        out["why_not"] = source.why_not;
    return out;
}

// The root's file, when it is what its section says and as small as a root has to be.
Result<ByteCount> size_of_root(const core::ParcelRepository& section, const FileHandle& file) {
    const auto format = formats::all().find(section.format);
    if (!format) return fail(ErrorKind::Absent, "repositories of its kind are not known here");
    const auto info = file_info(file);
    if (!info) return tl::unexpected(info.error());
    if (info->size != section.root.size)
        return fail(ErrorKind::Corrupt, "its index has {} bytes, and its manifest says {}", info->size,
                    section.root.size);
    const auto most = format->habits().max_root + limits::max_signature + limits::kib;
    if (info->size > most)
        return fail(ErrorKind::Refused, "an index of {} bytes: more than {} are not taken", info->size, most);
    return info->size;
}

}  // namespace

std::string Owner::bundle() const {
    json out = {{"repositories", json::array()}};
    for (const auto& source : agent_.broker.parcels().sources()) out["repositories"].push_back(source_json(source));
    return json_text(out);
}

std::string Owner::stored(const control::Arguments& args) const {
    const auto page = agent_.broker.parcels().stored_after(args.digest);
    json out = {{"files", json::array()}, {"next", page.next ? json(page.next->hex()) : json(nullptr)}};
    for (const auto& hit : page.files)
        out["files"].push_back({{"repository", hit.repository.text()},
                                {"path", hit.entry.path},
                                {"name", hit.entry.name},
                                {"version", hit.entry.version},
                                {"sha256", hit.entry.digest.hex()},
                                {"size", hit.entry.size},
                                {"index", hit.entry.name.empty()}});
    return json_text(out);
}

// The folder may lie where reading waits: it is read away from the loop.
void Owner::take_root(control::Question question, Answer then) {
    if (!question.file.open()) return then(fail(ErrorKind::Refused, "no file came with the question"));
    auto parcel = core::read_manifest(question.args.manifest);
    if (parcel && parcel->repositories.size() != 1) parcel = fail(ErrorKind::Corrupt, "one repository is wanted");
    if (!parcel) return then(tl::unexpected(parcel.error()));
    const auto section = std::make_shared<const core::ParcelRepository>(std::move(parcel->repositories.front()));
    const auto size = size_of_root(*section, question.file.handle());
    if (!size) return then(tl::unexpected(size.error()));
    const auto answer = [then](Result<std::vector<broker::CarriedVerdict>> verdicts) {
        if (!verdicts) return then(tl::unexpected(verdicts.error()));
        json rows = json::array();
        for (const auto& [repository, root] : *verdicts) {
            json row{{"id", repository.text()}, {"state", state_of(root.step)}};
            if (!root.message.empty()) row["message"] = root.message;
            if (root.date != WallTime{}) row["date"] = unix_time(root.date);
            rows.push_back(std::move(row));
        }
        then(json_text({{"repositories", std::move(rows)}}));
    };
    const auto file = std::make_shared<FileHandle>(question.file.take());
    agent_.workers.run([this, file, section, answer, size = *size]() -> Task {
        const auto bytes = std::make_shared<Bytes>(static_cast<std::size_t>(size));
        const auto got = read_at(*file, 0, *bytes);
        const bool is_whole = got && *got == bytes->size();
        return [this, section, answer, bytes, is_whole] {
            if (!is_whole) return answer(fail(ErrorKind::Corrupt, "its index could not be read"));
            agent_.broker.parcels().take_root(*section, std::move(*bytes), answer);
        };
    });
}

}  // namespace packswarm::daemon
