#include "p2p/cli/bundle.hpp"

#include <algorithm>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/cli/agent_store.hpp"
#include "p2p/cli/parcel_folder.hpp"
#include "p2p/cli/text_table.hpp"

namespace packswarm::cli {

namespace {

using core::ParcelFile;
using core::ParcelRepository;

bool is_same_repository(const ParcelRepository& a, const ParcelRepository& b) {
    const auto found = core::kinship(a.provenance, std::nullopt, b.provenance);
    return a.format == b.format && (found == core::Kinship::address || found == core::Kinship::content);
}

std::string name_of(const CarriedSource& source) { return source.format + " " + source.suite; }

// One run: what is wanted is chosen, measured, copied, and named in the manifest at last.
class Bundling {
  public:
    Bundling(const BundleWish& wish, AgentStore agent, ParcelFolder folder)
        : wish_(wish), agent_(std::move(agent)), folder_(std::move(folder)) {}

    Result<BundleOutcome> run() {
        if (auto chosen = choose(); !chosen) return tl::unexpected(chosen.error());
        if (auto listed = list_files(); !listed) return tl::unexpected(listed.error());
        leave_out_what_is_too_large();
        if (auto room = folder_.expect_room(all_new()); !room) return tl::unexpected(room.error());
        if (auto copied = copy(); !copied) return tl::unexpected(copied.error());
        if (auto written = folder_.write_manifest(merged()); !written) return tl::unexpected(written.error());
        count();
        return std::move(out_);
    }

  private:
    struct Chosen {
        CarriedSource source;
        bool is_gone = false;  // its root went meanwhile
    };

    Result<void> choose() {
        auto sources = agent_.sources();
        if (!sources) return tl::unexpected(sources.error());
        for (auto& source : *sources) {
            if (!wish_.format.empty() && source.format != wish_.format) continue;
            if (!source.is_public && !wish_.with_private) {
                out_.repositories.push_back(shown(source, "it is private: --private takes it, too"));
            } else if (!source.why_not.empty()) {
                out_.repositories.push_back(shown(source, source.why_not));
                out_.problems.push_back(name_of(source) + ": " + source.why_not);
            } else {
                fetch_lacking(source);
                chosen_.push_back({std::move(source)});
            }
        }
        if (!chosen_.empty()) return {};
        std::string reasons;
        for (const auto& one : out_.repositories)
            reasons += fmt::format("; {} {}: {}", one.format, one.suite, one.why_not);
        return fail(ErrorKind::Absent, "the agent has no index that could be carried{}", reasons);
    }

    static BundledRepository shown(const CarriedSource& source, std::string why_not = {}) {
        return {source.id, source.format, source.suite, source.date, source.valid_until, std::move(why_not), 0, 0, 0};
    }

    // apt may have patched its own lists: then the whole ones were never here.
    void fetch_lacking(const CarriedSource& source) {
        for (const auto& list : source.lacking)
            if (const auto fetched = agent_.fetch(list); !fetched)
                out_.problems.push_back(fmt::format("{}: a list of its packages is not here and cannot be had: {}: {}",
                                                    name_of(source), list.url, fetched.error().message));
        if (source.valid_until && *source.valid_until < ::time(nullptr))
            out_.problems.push_back(name_of(source) + ": its index has expired, and no machine will take it");
    }

    Result<void> list_files() {
        auto rows = agent_.stored();
        if (!rows) return tl::unexpected(rows.error());
        std::map<std::string, ParcelRepository*> sections;
        for (auto& one : chosen_) sections[one.source.id] = &one.source.section;
        std::set<std::string> unseen(wish_.packages.begin(), wish_.packages.end());
        const bool is_narrow = !unseen.empty();
        const std::set<std::string> wanted = unseen;
        for (auto& row : *rows) {
            const auto section = sections.find(row.repository);
            if (section == sections.end()) continue;
            if (!row.is_index && is_narrow && wanted.count(row.name) == 0) continue;
            unseen.erase(row.name);
            (row.is_index ? section->second->indexes : section->second->packages).push_back(std::move(row.file));
        }
        for (const auto& name : unseen)
            out_.problems.push_back(name + ": no package of that name is stored in its newest version");
        return {};
    }

    void leave_out_what_is_too_large() {
        for (auto& one : chosen_)
            for (auto* files : {&one.source.section.indexes, &one.source.section.packages})
                std::erase_if(*files, [this](const ParcelFile& file) {
                    if (folder_.may_hold(file.size)) return false;
                    out_.problems.push_back(fmt::format(
                        "{}: {} is more than a file may have on this file system (FAT: 4 GiB); format it as exFAT",
                        file.path, show_bytes(file.size)));
                    return true;
                });
    }

    static std::vector<ParcelFile> files_of(const ParcelRepository& section) {
        std::vector<ParcelFile> out{section.root};
        out.insert(out.end(), section.indexes.begin(), section.indexes.end());
        out.insert(out.end(), section.packages.begin(), section.packages.end());
        return out;
    }

    std::vector<ParcelFile> all_new() {
        std::vector<ParcelFile> out;
        std::set<Digest> seen;
        for (const auto& one : chosen_)
            for (auto& file : files_of(one.source.section)) {
                if (!seen.insert(file.digest).second) continue;
                if (folder_.has(file))
                    ++out_.known;
                else
                    out.push_back(std::move(file));
            }
        progress_.files = out.size();
        for (const auto& file : out) progress_.size += file.size;
        return out;
    }

    Result<void> copy() {
        for (auto& one : chosen_) {
            auto& section = one.source.section;
            if (auto copied = copy_file(section.root); !copied) {
                if (is_end(copied.error())) return copied;
                one.is_gone = true;
                out_.problems.push_back(name_of(one.source) + ": its index: " + copied.error().message);
                continue;
            }
            for (auto* files : {&section.indexes, &section.packages})
                if (auto copied = copy_files(*files); !copied) return copied;
        }
        return {};
    }

    Result<void> copy_files(std::vector<ParcelFile>& files) {
        std::vector<ParcelFile> there;
        for (auto& file : files) {
            auto copied = copy_file(file);
            if (copied) {
                there.push_back(std::move(file));
                continue;
            }
            if (is_end(copied.error())) return copied;
            out_.problems.push_back(file.path + ": " + copied.error().message);
        }
        files = std::move(there);
        return {};
    }

    // Of the store one file may have gone, or rotted; what the folder or the connection refuses is the end.
    static bool is_end(const Error& error) {
        return error.kind != ErrorKind::Absent && error.kind != ErrorKind::Corrupt;
    }

    Result<void> copy_file(const ParcelFile& file) {
        if (folder_.has(file)) return {};
        progress_.name = file.path.substr(file.path.rfind('/') + 1);
        const auto bytes = agent_.take(file);
        if (!bytes) return tl::unexpected(bytes.error());
        auto added = folder_.add(file, *bytes, [this](ByteCount more) {
            progress_.received += more;
            if (wish_.progress) wish_.progress(progress_);
        });
        if (!added) return added;
        ++progress_.files_done;
        ++out_.written;
        out_.bytes += file.size;
        return {};
    }

    // What other runs have brought stays: other repositories, and more files of the same index.
    core::Parcel merged() const {
        core::Parcel out;
        for (const auto& one : chosen_)
            if (!one.is_gone) out.repositories.push_back(one.source.section);
        const auto before = folder_.manifest();
        if (!before) return out;
        const auto add = [this](const std::vector<ParcelFile>& from, std::vector<ParcelFile>& to) {
            std::set<Digest> there;
            for (const auto& file : to) there.insert(file.digest);
            for (const auto& file : from)
                if (there.insert(file.digest).second && folder_.has(file)) to.push_back(file);
        };
        for (const auto& old : before->repositories) {
            const auto again = std::find_if(out.repositories.begin(), out.repositories.end(),
                                            [&](const auto& one) { return is_same_repository(one, old); });
            if (again == out.repositories.end()) {
                if (folder_.has(old.root)) out.repositories.push_back(old);
            } else if (again->root.digest == old.root.digest) {
                add(old.indexes, again->indexes);
                add(old.packages, again->packages);
            }
        }
        return out;
    }

    void count() {
        for (const auto& one : chosen_) {
            auto row = shown(one.source, one.is_gone ? "its index could not be copied" : "");
            row.indexes = one.source.section.indexes.size();
            row.packages = one.source.section.packages.size();
            for (const auto& file : files_of(one.source.section)) row.bytes += file.size;
            out_.repositories.push_back(std::move(row));
        }
    }

    const BundleWish& wish_;
    AgentStore agent_;
    ParcelFolder folder_;
    std::vector<Chosen> chosen_;
    FetchProgress progress_;
    BundleOutcome out_;
};

}  // namespace

Result<BundleOutcome> make_bundle(const BundleWish& wish) {
    auto folder = ParcelFolder::open(wish.folder);
    if (!folder) return tl::unexpected(folder.error());
    auto agent = AgentStore::connect(wish.socket);
    if (!agent) return tl::unexpected(agent.error());
    return Bundling(wish, std::move(*agent), std::move(*folder)).run();
}

std::string as_json(const BundleOutcome& outcome) {
    using Json = nlohmann::json;
    Json repositories = Json::array();
    for (const auto& one : outcome.repositories) {
        Json row{{"id", one.id},           {"format", one.format},     {"suite", one.suite},
                 {"indexes", one.indexes}, {"packages", one.packages}, {"bytes", one.bytes}};
        if (one.date) row["date"] = *one.date;
        if (one.valid_until) row["valid_until"] = *one.valid_until;
        if (!one.why_not.empty()) row["why_not"] = one.why_not;
        repositories.push_back(std::move(row));
    }
    const Json out{{"repositories", std::move(repositories)},
                   {"files", {{"written", outcome.written}, {"known", outcome.known}, {"bytes", outcome.bytes}}},
                   {"problems", outcome.problems}};
    return out.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string as_text(const BundleOutcome& outcome) {
    TextTable table{"REPOSITORY", "INDEX OF", ">LISTS", ">PACKAGES", ">SIZE", ""};
    for (const auto& one : outcome.repositories)
        table.add({printable(one.format + " " + one.suite), one.date ? show_time(*one.date) : "-",
                   std::to_string(one.indexes), std::to_string(one.packages), show_bytes(one.bytes),
                   printable(one.why_not.empty() ? "" : "not in it: " + one.why_not)});
    return table.text() + fmt::format("{} files written ({}), {} were there already\n", outcome.written,
                                      show_bytes(outcome.bytes), outcome.known);
}

}  // namespace packswarm::cli
