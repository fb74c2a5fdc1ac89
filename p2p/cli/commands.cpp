#include "p2p/cli/commands.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "formats/debian/debian.hpp"
#include "p2p/base/log.hpp"
#include "p2p/cli/answers.hpp"
#include "p2p/cli/apt_itself.hpp"
#include "p2p/cli/doctor.hpp"
#include "p2p/cli/fetch.hpp"
#include "p2p/cli/give.hpp"
#include "p2p/cli/progress_bar.hpp"
#include "p2p/cli/text_table.hpp"
#include "p2p/control/client.hpp"

namespace packswarm::cli {
namespace {

constexpr Millis question_timeout{10'000};
constexpr Millis refresh_timeout{180'000};

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

Result<std::string> ask(const Common& common, const std::string& op, const control::Arguments& args, Millis timeout) {
    auto client = control::Client::connect(common.socket, "cli", Millis(2'000));
    if (!client) return tl::unexpected(client.error());
    return client->call(op, args, timeout);
}

std::string read_all(std::istream& input) {
    std::string text(std::istreambuf_iterator<char>(input), {});
    return text;
}

Result<std::vector<FetchJob>> jobs_of(const FetchWords& words) {
    if (words.input.empty()) return std::vector<FetchJob>{{words.url, words.out}};
    if (words.input == "-") return parse_jobs(read_all(std::cin));
    const auto text = read_text(words.input, limits::max_apt_message);
    if (!text) return tl::unexpected(text.error());
    return parse_jobs(*text);
}

// Of a pacman package file, NAME-VERSION-RELEASE-ARCHITECTURE.pkg.tar.zst, by the agent's indexes.
std::optional<ByteCount> listed_size(const Common& common, const std::string& file) {
    auto name = file;
    for (int part = 0; part < 3; ++part) name.resize(std::min(name.rfind('-'), name.size()));
    const auto answer = ask(common, "explain", {.package = name, .limit = 20}, question_timeout);
    const auto parsed = nlohmann::json::parse(answer.value_or("{}"), nullptr, false);
    if (!parsed.is_object() || !parsed.contains("entries") || !parsed["entries"].is_array()) return {};
    for (const auto& entry : parsed["entries"]) {
        if (!entry.is_object() || !entry.contains("size") || !entry["size"].is_number_integer()) continue;
        const auto path = entry.value("path", "");
        if (path.substr(path.rfind('/') + 1) == file) return entry["size"].get<ByteCount>();
    }
    return {};
}

// Of the repositories that the agent knows for apt.
std::vector<std::string> bases_for_apt(const Common& common) {
    std::vector<std::string> bases;
    const auto answer = ask(common, "status", {}, question_timeout);
    const auto status = nlohmann::json::parse(answer.value_or("{}"), nullptr, false);
    if (!status.is_object() || !status.contains("repositories") || !status["repositories"].is_array()) return bases;
    for (const auto& repository : status["repositories"]) {
        const bool is_apts = repository.is_object() && repository.value("format", "") == formats::debian()->name();
        if (!is_apts || !repository["bases"].is_array()) continue;
        for (const auto& base : repository["bases"]) {
            const auto text = base.is_string() ? base.get<std::string>() : std::string();
            if (!text.empty() && std::find(bases.begin(), bases.end(), text) == bases.end()) bases.push_back(text);
        }
    }
    return bases;
}

std::string fetch_results_as_json(const std::vector<FetchJob>& jobs, const std::vector<FetchResult>& results) {
    nlohmann::json files = nlohmann::json::array();
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        nlohmann::json one{{"url", jobs[i].url},
                           {"out", jobs[i].out.string()},
                           {"ok", !results[i].error},
                           {"direct", results[i].direct},
                           {"size", results[i].size}};
        if (!results[i].digest.empty()) one["sha256"] = results[i].digest;
        if (results[i].error) one["message"] = results[i].error->message;
        files.push_back(std::move(one));
    }
    return nlohmann::json{{"files", std::move(files)}}.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) +
           "\n";
}

}  // namespace

int complain(const std::string& message) {
    std::fprintf(stderr, "packswarm: %s\n", printable(message, 500).c_str());
    return 1;
}

int complain(const Error& error) {
    const bool is_away = error.kind == ErrorKind::Absent;
    return complain(error.message + (is_away ? ". Is packswarmd running? systemctl start packswarmd" : ""));
}

std::string default_socket() {
    const char* chosen = std::getenv("PACKSWARM_SOCKET");
    return chosen != nullptr && *chosen != '\0' ? chosen : "/run/packswarm/control.sock";
}

int run_fetch(const Common& common, const FetchWords& words) {
    const auto jobs = jobs_of(words);
    if (!jobs) return complain(jobs.error().message);
    std::vector<FetchResult> results;
    {
        ProgressBar bar(stderr);
        FetchOptions options;
        options.socket = common.socket;
        options.http.ca_file = words.ca_file;
        if (!words.quiet) {
            options.progress = [&](const FetchProgress& progress) { bar.draw(progress); };
            options.note = [&](const std::string& line) { bar.print_above("packswarm: " + line); };
        }
        results = fetch(*jobs, options);
    }
    int failed = 0;
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (!results[i].error) continue;
        ++failed;
        complain((*jobs)[i].url + ": " + results[i].error->message);
    }
    if (common.output == Output::json) print(fetch_results_as_json(*jobs, results));
    return failed > 0 ? 1 : 0;
}

int run_question(const Common& common, const std::string& op) {
    const auto answer = ask(common, op, {}, op == "refresh" ? refresh_timeout : question_timeout);
    if (!answer) return complain(answer.error());
    print(common.output == Output::json ? indented(*answer) : show_answer(op, *answer));
    return 0;
}

int run_accept(const Common& common, const AcceptWords& words) {
    const auto span = parse_age(words.span);
    if (!span || span->count() < 1) return complain(fmt::format("{} is no time; say 90s, 15m, 24h or 7d", words.span));
    control::Arguments args;
    args.repository = words.repository;
    args.leave = words.older ? "older" : "expired";
    args.seconds = span->count();
    const auto answer = ask(common, "accept", args, question_timeout);
    if (!answer) return complain(answer.error());
    print(common.output == Output::json ? indented(*answer) : show_answer("accept", *answer));
    return 0;
}

int run_explain(const Common& common, const std::string& package, int limit) {
    const auto answer = ask(common, "explain", {.package = package, .limit = limit}, question_timeout);
    if (!answer) return complain(answer.error());
    const auto all = with_apt(*answer, taken_by_apt(bases_for_apt(common)));
    print(common.output == Output::json ? indented(all) : show_answer("explain", all));
    return 0;
}

int run_doctor(const Common& common, const std::filesystem::path& root) {
    std::vector<Check> checks{check_socket(common.socket)};
    for (auto& check : check_apt(root)) checks.push_back(std::move(check));
    for (auto& check : check_pacman(root)) checks.push_back(std::move(check));
    std::string inside = "{}";
    if (checks.front().state != "fail") {
        const auto answer = ask(common, "doctor", {}, Millis(60'000));
        if (answer)
            inside = *answer;
        else
            checks.push_back({"doctor", "warn", "the agent did not examine itself: " + answer.error().message,
                              "see journalctl -u packswarmd"});
        const auto size_of = [&](const std::string& file) { return listed_size(common, file); };
        for (auto& check : check_parts(root, size_of)) checks.push_back(std::move(check));
        if (root == "/")
            for (const auto& one : taken_by_apt(bases_for_apt(common)))
                checks.push_back({"apt-options", "warn",
                                  "apt fetches " + one.what + " of " + one.base + " by itself: " + one.reason,
                                  "take the setting back, or leave it so: then apt works there as without packswarm"});
    }
    const auto all = with_checks(inside, checks);
    print(common.output == Output::json ? indented(all) : show_answer("doctor", all));
    return count_checks(all).failures > 0 ? 1 : 0;
}

}  // namespace packswarm::cli
