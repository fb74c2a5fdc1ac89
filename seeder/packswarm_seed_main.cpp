// packswarm-seed: hands a mirror's folder to the agent of this machine, so that it shares what the folder's signed
// indexes list. Each file goes as an open descriptor, several at a time; the agent hashes it and takes only what an
// index it trusts itself lists. Exit status: 0 all listed files that are here were taken, 1 something was not, or the
// command line's own errors.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "formats/mirror_folder.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/control/client.hpp"
#include "p2p/core/freshness.hpp"
#include "verify/hasher.hpp"
#include "verify/keyring.hpp"

namespace packswarm {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr Millis connect_patience{2'000};
constexpr Millis answer_patience{600'000};  // the agent hashes the file first
constexpr std::size_t max_at_agent = limits::max_control_queries / 2;
constexpr std::size_t max_shown = 200;  // lines of the table; the sums count everything

struct Words {
    std::string mirror, socket;
    std::vector<std::string> suites, components, architectures, keyrings;
    std::string pacman_home = "/etc/pacman.d/gnupg";
    bool json = false, dry_run = false;
};

enum class State { taken, known, missing, wrong, refused };
constexpr const char* state_names[] = {"taken", "known", "missing", "wrong", "refused"};

struct Line {
    State state = State::missing;
    std::string suite, path, message;
    ByteCount size = 0;
};

struct Job {
    fs::path base;
    std::string suite;
    core::IndexEntry entry;
};

std::string default_socket() {
    const char* set = std::getenv("PACKSWARM_SOCKET");
    return set && *set ? set : "/run/packswarm/control.sock";
}

// ---- What the folder's indexes list

class Survey {
  public:
    explicit Survey(const Words& words) : words_(words) {}

    void look(const fs::path& folder) {
        const auto& suites = words_.suites;
        for (const auto& found : formats::find_repositories(folder))
            if (suites.empty() || std::find(suites.begin(), suites.end(), found.repository.suite) != suites.end())
                look(found);
        if (jobs.empty() && problems.empty()) problems.push_back(formats::no_repository_in(folder));
    }

    std::vector<Job> jobs;
    std::vector<std::string> problems;

  private:
    void look(const formats::FolderRepository& found) {
        auto repository = found.repository;
        repository.components = words_.components;
        repository.architectures = words_.architectures;
        repository.keyring = formats::keyring_or_default(repository.format, words_.keyrings, words_.pacman_home);
        const auto index = formats::read_repository(keyrings_, found.base, repository);
        if (!index) return problems.push_back(index.error().message);
        problems.insert(problems.end(), index->problems.begin(), index->problems.end());
        const auto now = std::chrono::floor<Seconds>(std::chrono::system_clock::now());
        const auto fresh = core::check_freshness(index->root, {}, now, core::StaleIndex::accept);
        if (!fresh) return problems.push_back(fresh.error().message);
        const auto signer = index->root.is_signed ? "signed by " + index->root.signers.front()
                                                  : "not signed: the agent asks for package signatures";
        std::fprintf(stderr, "%s: %zu packages, %lld hours old, %s\n", printable(core::root_path(repository)).c_str(),
                     index->packages.size(), static_cast<long long>(fresh->age.count() / 3600), signer.c_str());
        for (const auto& warning : fresh->warnings)
            std::fprintf(stderr, "packswarm-seed: %s\n", printable(warning, 500).c_str());
        for (const auto& entry : index->packages)
            if (seen_.insert(entry.digest).second) jobs.push_back({found.base, repository.suite, entry});
    }

    const Words& words_;
    verify::Keyrings keyrings_;
    std::set<Digest> seen_;  // one file may be listed by several suites
};

// ---- What becomes of each file

Line line_for(const Job& job, State state, std::string message = {}) {
    return {state, job.suite, job.entry.path, std::move(message), job.entry.size};
}

// The file, when it is here and as long as the index says.
Result<FileHandle> open_listed(const Job& job) {
    auto file = open_for_reading(job.base / job.entry.path);
    if (!file) return file;
    const auto info = file_info(*file);
    if (!info) return tl::unexpected(info.error());
    if (info->size != job.entry.size)
        return fail(ErrorKind::Corrupt, "{} bytes, the index says {}", info->size, job.entry.size);
    return file;
}

Line line_for_error(const Job& job, const Error& error) {
    if (error.kind == ErrorKind::Absent) return line_for(job, State::missing);
    return line_for(job, State::wrong, error.message);
}

// Without an agent the program hashes the file itself.
Line check(const Job& job) {
    const auto file = open_listed(job);
    if (!file) return line_for_error(job, file.error());
    const auto digest = verify::hash_file(*file);
    if (!digest) return line_for_error(job, digest.error());
    if (*digest != job.entry.digest) return line_for(job, State::wrong, "its SHA-256 is " + digest->hex());
    return line_for(job, State::taken);
}

Line line_for_answer(const Job& job, const control::Event& event) {
    if (event.kind == control::EventKind::failed) return line_for(job, State::refused, event.error.message);
    const Json answer = Json::parse(event.result, nullptr, false);
    const auto word = [&](const char* name) {
        const auto found = answer.is_object() ? answer.find(name) : answer.end();
        return found != answer.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (word("state") == "shared") return line_for(job, State::taken);
    if (word("state") == "known") return line_for(job, State::known);
    return line_for(job, State::refused, word("message"));
}

// Keeps several files at the agent, so that it hashes one while it flushes another.
class Giving {
  public:
    Giving(control::Client client, std::function<void(const Line&)> tell)
        : client_(std::move(client)), tell_(std::move(tell)) {}

    // Not good: the agent went away.
    Result<void> give(const Job& job) {
        const auto file = open_listed(job);
        if (!file) {
            tell_(line_for_error(job, file.error()));
            return {};
        }
        const control::Arguments args{.path = (job.base / job.entry.path).string(), .digest = job.entry.digest};
        const control::Query query{client_.next_id(), "share", args, true};
        if (auto sent = client_.send(query, &*file); !sent) return sent;
        at_agent_[query.id] = &job;
        return hear(max_at_agent - 1);
    }
    Result<void> finish() { return hear(0); }

  private:
    // Until at most so many are still unanswered.
    Result<void> hear(std::size_t most) {
        while (at_agent_.size() > most) {
            const auto events = client_.receive(answer_patience);
            if (!events) return tl::unexpected(events.error());
            if (events->empty()) return fail(ErrorKind::Transient, "the agent did not answer in time");
            for (const auto& event : *events) {
                if (event.id == 0) return tl::unexpected(event.error);
                if (const auto job = at_agent_.extract(event.id)) tell_(line_for_answer(*job.mapped(), event));
            }
        }
        return {};
    }

    control::Client client_;
    std::function<void(const Line&)> tell_;
    std::map<std::uint64_t, const Job*> at_agent_;
};

// ---- Telling

struct Sums {
    std::size_t files = 0;
    ByteCount bytes = 0;
};

class Table {
  public:
    explicit Table(const Words& words) : words_(words) {}
    void add(const Line& line) {
        auto& sums = sums_[static_cast<std::size_t>(line.state)];
        ++sums.files;
        sums.bytes += line.size;
        if (words_.json) return lines_.push_back(as_json(line));
        const bool telling = line.state != State::missing;
        if (!telling || ++shown_ > max_shown) return;
        std::printf("%-8s %12lld  %s: %s  %s\n", name_of(line.state), static_cast<long long>(line.size),
                    printable(line.suite).c_str(), printable(line.path, 500).c_str(), printable(line.message).c_str());
    }
    int finish(const std::vector<std::string>& problems) const {
        if (words_.json)
            print_json(problems);
        else
            print_sums();
        for (const auto& problem : problems)
            std::fprintf(stderr, "packswarm-seed: %s\n", printable(problem, 500).c_str());
        const bool bad = of(State::wrong).files + of(State::refused).files > 0;
        return bad || !problems.empty() ? 1 : 0;
    }

  private:
    const Sums& of(State state) const { return sums_[static_cast<std::size_t>(state)]; }
    const char* name_of(State state) const {
        return words_.dry_run && state == State::taken ? "right" : state_names[static_cast<std::size_t>(state)];
    }
    Json as_json(const Line& line) const {
        return {{"state", name_of(line.state)},
                {"suite", line.suite},
                {"path", line.path},
                {"size", line.size},
                {"message", line.message}};
    }
    void print_sums() const {
        if (shown_ > max_shown) std::printf("... and %zu more\n", shown_ - max_shown);
        std::printf("\n%-8s %8s %16s\n", "", "files", "bytes");
        for (const State state : {State::taken, State::known, State::missing, State::wrong, State::refused})
            if (of(state).files > 0)
                std::printf("%-8s %8zu %16lld\n", name_of(state), of(state).files,
                            static_cast<long long>(of(state).bytes));
    }
    void print_json(const std::vector<std::string>& problems) const {
        Json sums = Json::object();
        for (const State state : {State::taken, State::known, State::missing, State::wrong, State::refused})
            sums[name_of(state)] = {{"files", of(state).files}, {"bytes", of(state).bytes}};
        const Json all{{"files", lines_}, {"sums", sums}, {"problems", problems}, {"dry_run", words_.dry_run}};
        std::printf("%s\n", all.dump(2, ' ', true, Json::error_handler_t::replace).c_str());
    }

    const Words& words_;
    Sums sums_[std::size(state_names)];
    Json lines_ = Json::array();
    std::size_t shown_ = 0;
};

int run(const Words& words) {
    std::error_code problem;
    const auto folder = fs::canonical(words.mirror, problem);
    Survey survey(words);
    Table table(words);
    if (problem) return table.finish({fmt::format("{}: {}", words.mirror, problem.message())});
    survey.look(folder);
    if (words.dry_run) {
        for (const auto& job : survey.jobs) table.add(check(job));
        return table.finish(survey.problems);
    }
    auto client = control::Client::connect(words.socket, "cli", connect_patience);
    Result<void> given = client ? Result<void>() : tl::unexpected(client.error());
    if (client) {
        Giving giving(std::move(*client), [&](const Line& line) { table.add(line); });
        for (const auto& job : survey.jobs)
            if (given) given = giving.give(job);
        if (given) given = giving.finish();
    }
    if (!given) survey.problems.push_back(given.error().message);
    return table.finish(survey.problems);
}

void declare(CLI::App& app, Words& words) {
    app.add_option("MIRROR_DIR", words.mirror, "Holds dists/ and pool/, or pacman databases beside their packages")
        ->required();
    app.add_option("--suite", words.suites, "Only this suite or pacman repository; may be given several times")
        ->allow_extra_args(false);
    app.add_option("--component", words.components, "Only this component")->allow_extra_args(false);
    app.add_option("--arch", words.architectures, "Only this architecture, and 'all'")->allow_extra_args(false);
    app.add_option("--keyring", words.keyrings, "File of the keys that may sign; default: the system's own keyrings")
        ->allow_extra_args(false);
    app.add_option("--pacman-home", words.pacman_home, "pacman's GnuPG home, for its databases")->capture_default_str();
    app.add_option("--socket", words.socket, "The agent's control socket (also $PACKSWARM_SOCKET)")
        ->capture_default_str();
    app.add_flag("--dry-run", words.dry_run, "Only verify the folder here; no agent is asked");
    app.add_flag("--json", words.json, "Print one JSON object");
}

}  // namespace

}  // namespace packswarm

int main(int argc, char** argv) {
    packswarm::Words words;
    words.socket = packswarm::default_socket();
    CLI::App app{"Lets the agent of this machine share a mirror's folder, as far as its signed indexes list it"};
    packswarm::declare(app, words);
    CLI11_PARSE(app, argc, argv);
    return packswarm::run(words);
}
