#include "p2p/cli/import_bundle.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "p2p/base/log.hpp"
#include "p2p/cli/parcel_folder.hpp"
#include "p2p/cli/text_table.hpp"
#include "p2p/control/client.hpp"

namespace packswarm::cli {

namespace {

using Json = nlohmann::json;

constexpr Millis judging_timeout{600'000};     // the agent copies and hashes a file first
constexpr std::size_t most_of_problems = 200;  // of a folder that is nothing but wrong; all are counted

std::string text_in(const Json& json, const char* name) {
    return json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : std::string();
}

std::string title_of(const core::ParcelRepository& section) { return section.format + " " + section.suite; }

class Importing {
  public:
    Importing(const ImportWish& wish, ParcelFolder folder, control::Client client)
        : wish_(wish), folder_(std::move(folder)), client_(std::move(client)) {}

    Result<ImportOutcome> run() {
        auto parcel = folder_.manifest();
        if (!parcel) return tl::unexpected(parcel.error());
        if (parcel->repositories.empty()) return fail(ErrorKind::Absent, "there is nothing in the bundle");
        for (const auto& section : parcel->repositories)
            for (const auto* files : {&section.indexes, &section.packages}) {
                progress_.files += files->size();
                for (const auto& file : *files) progress_.size += file.size;
            }
        for (const auto& section : parcel->repositories)
            if (auto taken = take(section); !taken) return tl::unexpected(taken.error());
        return std::move(out_);
    }

  private:
    Result<void> take(const core::ParcelRepository& section) {
        const auto is_good = take_root(section);
        if (!is_good) return tl::unexpected(is_good.error());
        for (const auto* files : {&section.indexes, &section.packages})
            for (const auto& file : *files) {
                if (!*is_good)
                    ++out_.passed_over;
                else if (auto taken = take_file(file); !taken)
                    return taken;
                ++progress_.files_done;
                progress_.received += file.size;
                if (wish_.progress) wish_.progress(progress_);
            }
        return {};
    }

    // Whether some repository of this machine has that index now.
    Result<bool> take_root(const core::ParcelRepository& section) {
        auto bare = section;
        bare.indexes.clear();
        bare.packages.clear();
        progress_.name = title_of(section);
        const auto file = folder_.open_file(section.root);
        if (!file) return refuse(section, file.error());
        const auto answer =
            client_.call("import_root", {.manifest = core::manifest_of({{bare}})}, judging_timeout, &*file);
        if (!answer && answer.error().kind == ErrorKind::Transient) return tl::unexpected(answer.error());
        if (!answer) return refuse(section, answer.error());
        const auto json = Json::parse(*answer, nullptr, false);
        if (!json.is_object() || !json.contains("repositories") || !json["repositories"].is_array())
            return refuse(section, {ErrorKind::Refused, "the agent's answer cannot be read"});
        bool is_good = false;
        for (const auto& row : json["repositories"]) {
            if (!row.is_object()) continue;
            ImportedRepository one{
                title_of(section), text_in(row, "id"), text_in(row, "state"), text_in(row, "message"), {}};
            if (row.contains("date") && row["date"].is_number_integer()) one.date = row["date"].get<std::int64_t>();
            is_good = is_good || one.state != "refused";
            if (one.state == "refused") note(one.name + ": " + one.message);
            out_.repositories.push_back(std::move(one));
        }
        return is_good;
    }

    bool refuse(const core::ParcelRepository& section, const Error& why) {
        note(title_of(section) + ": " + why.message);
        out_.repositories.push_back({title_of(section), "", "refused", why.message, {}});
        return false;
    }

    Result<void> take_file(const core::ParcelFile& wanted) {
        progress_.name = wanted.path.substr(wanted.path.rfind('/') + 1);
        const auto file = folder_.open_file(wanted);
        if (!file) return refuse_file(wanted, file.error().message);
        const auto answer =
            client_.call("import", {.path = wanted.path, .digest = wanted.digest}, judging_timeout, &*file);
        if (!answer && answer.error().kind == ErrorKind::Transient) return tl::unexpected(answer.error());
        if (!answer) return refuse_file(wanted, answer.error().message);
        const auto json = Json::parse(*answer, nullptr, false);
        if (!json.is_object()) return refuse_file(wanted, "the agent's answer cannot be read");
        const auto state = text_in(json, "state");
        if (state == "taken")
            ++out_.taken;
        else if (state == "known")
            ++out_.known;
        else if (text_in(json, "kind") == to_string(ErrorKind::Absent))
            ++out_.unlisted;  // another architecture's, or of lists that this machine does not use
        else
            return refuse_file(wanted, text_in(json, "message"));
        return {};
    }

    Result<void> refuse_file(const core::ParcelFile& file, const std::string& why) {
        ++out_.refused;
        note((file.path.empty() ? file.digest.hex() : file.path) + ": " + why);
        return {};
    }

    void note(std::string problem) {
        if (out_.problems.size() < most_of_problems) out_.problems.push_back(std::move(problem));
    }

    const ImportWish& wish_;
    ParcelFolder folder_;
    control::Client client_;
    FetchProgress progress_;
    ImportOutcome out_;
};

}  // namespace

Result<ImportOutcome> import_bundle(const ImportWish& wish) {
    auto folder = ParcelFolder::open(wish.folder);
    if (!folder) return tl::unexpected(folder.error());
    auto client = control::Client::connect(wish.socket, "cli", Millis(2'000));
    if (!client) return tl::unexpected(client.error());
    return Importing(wish, std::move(*folder), std::move(*client)).run();
}

std::string as_json(const ImportOutcome& outcome) {
    Json repositories = Json::array();
    for (const auto& one : outcome.repositories) {
        Json row{{"name", one.name}, {"state", one.state}};
        if (!one.id.empty()) row["id"] = one.id;
        if (!one.message.empty()) row["message"] = one.message;
        if (one.date) row["date"] = *one.date;
        repositories.push_back(std::move(row));
    }
    const Json out{{"repositories", std::move(repositories)},
                   {"files",
                    {{"taken", outcome.taken},
                     {"known", outcome.known},
                     {"unlisted", outcome.unlisted},
                     {"refused", outcome.refused},
                     {"passed_over", outcome.passed_over}}},
                   {"problems", outcome.problems}};
    return out.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string as_text(const ImportOutcome& outcome) {
    TextTable table{"IN THE BUNDLE", "STATE", "INDEX OF", "HERE", ""};
    for (const auto& one : outcome.repositories)
        table.add({printable(one.name), printable(one.state), one.date ? show_time(*one.date) : "-",
                   printable(one.id.empty() ? "-" : one.id), printable(one.message, 400)});
    auto text = table.text() + fmt::format("{} files taken, {} were here already, {} refused\n", outcome.taken,
                                           outcome.known, outcome.refused);
    if (outcome.unlisted > 0)
        text += fmt::format("{} are of no use here: no index of this machine lists them\n", outcome.unlisted);
    if (outcome.passed_over > 0) text += fmt::format("{} belong to an index that was refused\n", outcome.passed_over);
    return text;
}

}  // namespace packswarm::cli
