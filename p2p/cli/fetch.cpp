#include "p2p/cli/fetch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "formats/format.hpp"
#include "formats/pacman/pacman.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/url.hpp"
#include "p2p/control/client.hpp"
#include "p2p/web/plain_download.hpp"

namespace packswarm::cli {
namespace {

bool is_signature(std::string_view url) { return formats::pacman()->classify(url) == core::PathKind::signature; }

constexpr std::size_t max_in_hand = 128;  // gets of one connection at a time, well below what the agent allows

// Only a finished file of the agent is written: out never holds bytes that nobody has checked.
Result<void> write_out(const control::Event& done, const std::filesystem::path& path) {
    FileHandle out(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!out.open()) return fail(ErrorKind::Broken, "opening {}: {}", path.string(), std::strerror(errno));
    if (auto copied = copy_range(done.file, out, {0, done.size}); !copied) return copied;
    if (!done.modified) return {};
    const timespec times[2] = {{0, UTIME_NOW}, {done.modified->time_since_epoch().count(), 0}};
    ::futimens(out.fd(), times);
    return {};
}

class AgentFetch {
  public:
    AgentFetch(const std::vector<FetchJob>& jobs, const FetchOptions& options,
               std::vector<std::optional<FetchResult>>& results)
        : jobs_(jobs), options_(options), results_(results) {}

    // Fills in what the agent delivered; nothing stays where it did not. The error tells why the whole agent was given
    // up.
    Result<void> run() {
        auto client = control::Client::connect(options_.socket, options_.asker, Millis(2'000));
        if (!client) return tl::unexpected(client.error());
        last_news_ = std::chrono::steady_clock::now();
        while (next_ < jobs_.size() || !in_hand_.empty()) {
            if (auto asked = ask_for_more(*client); !asked) return asked;
            auto events = client->receive(Millis(200));
            if (!events) return tl::unexpected(events.error());
            for (auto& event : *events)
                if (auto taken = take(std::move(event)); !taken) return taken;
            if (in_hand_.empty()) continue;
            if (std::chrono::steady_clock::now() - last_news_ > options_.silence)
                return fail(ErrorKind::Transient, "the agent has been silent for {} s",
                            options_.silence.count() / 1000);
        }
        return {};
    }

  private:
    struct InHand {
        std::size_t job = 0;
        ByteCount size = 0, received = 0;
    };

    Result<void> ask_for_more(control::Client& client) {
        for (; next_ < jobs_.size() && in_hand_.size() < max_in_hand; ++next_) {
            if (waits(jobs_[next_])) return {};
            const auto url = Url::parse(jobs_[next_].url);
            if (results_[next_] || !url || url->has_credentials) continue;  // secrets are not shown to the agent
            control::Get get;
            get.id = client.next_id();
            get.url = jobs_[next_].url;
            in_hand_[get.id].job = next_;
            if (auto sent = client.send(get); !sent) return sent;
        }
        return {};
    }

    bool waits(const FetchJob& job) const {
        return job.after && std::any_of(in_hand_.begin(), in_hand_.end(),
                                        [&](const auto& entry) { return entry.second.job == *job.after; });
    }

    Result<void> take(control::Event event) {
        if (event.id == 0 && event.kind == control::EventKind::failed) return tl::unexpected(event.error);
        const auto found = in_hand_.find(event.id);
        if (found == in_hand_.end()) return {};
        auto& one = found->second;
        if (event.kind == control::EventKind::start) {
            one.size = event.size;
        } else if (event.kind == control::EventKind::progress) {
            if (event.received <= one.received) return {};  // no sign of life: nothing moved
            one.received = event.received;
        } else {
            finish(one.job, event);
            in_hand_.erase(found);
        }
        last_news_ = std::chrono::steady_clock::now();
        report();
        return {};
    }

    void finish(std::size_t job, const control::Event& event) {
        if (event.kind != control::EventKind::done) {
            const auto& why = event.kind == control::EventKind::failed ? event.error.message
                                                                       : "it gave an answer that was not asked for";
            if (options_.note && !is_signature(jobs_[job].url)) options_.note(jobs_[job].url + ": " + why);
            return;
        }
        FetchResult result;
        result.size = event.size;
        if (event.digest) result.digest = event.digest->hex();
        if (auto written = write_out(event, jobs_[job].out); !written) result.error = written.error();
        done_bytes_ += event.size;
        ++files_done_;
        results_[job] = std::move(result);
    }

    void report() const {
        if (!options_.progress) return;
        FetchProgress progress{jobs_.size(), files_done_, done_bytes_, done_bytes_, {}};
        for (const auto& [id, one] : in_hand_) {
            progress.received += one.received;
            progress.size += std::max(one.size, one.received);
            if (one.received > 0) progress.name = jobs_[one.job].out.filename().string();
        }
        options_.progress(progress);
    }

    const std::vector<FetchJob>& jobs_;
    const FetchOptions& options_;
    std::vector<std::optional<FetchResult>>& results_;
    std::map<std::uint64_t, InHand> in_hand_;
    std::size_t next_ = 0, files_done_ = 0;
    ByteCount done_bytes_ = 0;
    TimePoint last_news_{};
};

// Packages go on where an earlier attempt stopped, as pacman's own downloader does; databases and signatures change
// under one name.
web::Resume resume_of(const std::string& url) {
    const auto parsed = Url::parse(url);
    const bool is_package = parsed && formats::all().classify(parsed->path) == core::PathKind::package;
    return is_package ? web::Resume::when_possible : web::Resume::never;
}

FetchResult fetch_directly(const FetchJob& job, const FetchOptions& options, FetchProgress progress) {
    web::DownloadOptions download;
    download.http = options.http;
    download.http.formats = formats::all();
    download.resume = resume_of(job.url);
    if (options.progress)
        download.progress = [&](ByteCount done, std::optional<ByteCount> total) {
            progress.received = done;
            progress.size = total.value_or(0);
            options.progress(progress);
        };
    FetchResult result;
    result.direct = true;
    const auto got = web::download(job.url, job.out, download);
    if (got)
        result.size = got->size;
    else
        result.error = got.error();
    return result;
}

// pacman 6.0 never asks its XferCommand for signatures, and wants them all the same: what is fetched into its
// "NAME.part" brings "NAME.sig" along. The agent answers a database's with that of the database it gave last, so it is
// asked for after the database (job `number`): at once it could be the former one's.
std::optional<FetchJob> signature_beside(const FetchJob& job, std::size_t number) {
    const auto url = Url::parse(job.url);
    const auto path = url ? url->path : job.url.substr(0, job.url.find('?'));  // file:///srv/repository/core.db
    const auto out = job.out.string();
    if (!out.ends_with(".part")) return std::nullopt;
    const auto kind = formats::pacman()->classify(path);
    if (kind != core::PathKind::package && kind != core::PathKind::root) return std::nullopt;
    const auto after = kind == core::PathKind::root ? std::optional(number) : std::nullopt;
    const auto signature_of = [](const std::string& file) { return formats::pacman()->package_signature(file); };
    return FetchJob{signature_of(job.url), signature_of(out.substr(0, out.size() - 5)), after};
}

FetchOptions quiet(FetchOptions options) {
    options.progress = nullptr;
    options.note = nullptr;
    return options;
}

}  // namespace

std::vector<FetchResult> fetch(const std::vector<FetchJob>& jobs, const FetchOptions& options) {
    auto all = jobs;
    std::vector<std::size_t> signed_job;  // whose signature all[jobs.size() + i] is
    for (std::size_t i = 0; i < jobs.size(); ++i)
        if (auto signature = signature_beside(jobs[i], i)) {
            all.push_back(std::move(*signature));
            signed_job.push_back(i);
        }
    std::vector<std::optional<FetchResult>> results(all.size());
    const auto through_agent = AgentFetch(all, options, results).run();
    if (!through_agent && options.note) options.note(through_agent.error().message + "; downloading directly");
    std::vector<FetchResult> out;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const FetchProgress progress{jobs.size(), i, 0, 0, jobs[i].out.filename().string()};
        out.push_back(results[i] ? std::move(*results[i]) : fetch_directly(jobs[i], options, progress));
    }
    for (std::size_t i = jobs.size(); i < all.size(); ++i) {
        // No signature is no error: pacman knows whether it needs one. One of an older file would be an error.
        if (results[i] && !results[i]->error) continue;
        auto& file = out[signed_job[i - jobs.size()]];
        // An agent that went away between the two leaves neither: a database and its signature come from one server.
        if (!through_agent && !file.direct && all[i].after)
            file = fetch_directly(all[*all[i].after], quiet(options), {});
        const bool is_asked = file.direct || !through_agent;
        if (is_asked && !file.error && !fetch_directly(all[i], quiet(options), {}).error) continue;
        std::error_code ignored;
        std::filesystem::remove(all[i].out, ignored);
    }
    return out;
}

Result<std::vector<FetchJob>> parse_jobs(std::string_view text) {
    std::vector<FetchJob> jobs;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const auto blank = line.find_first_of(" \t");
        const auto out = blank == std::string_view::npos ? blank : line.find_first_not_of(" \t", blank);
        if (out == std::string_view::npos || blank == 0)
            return fail(ErrorKind::Refused, "line {}: an address and a path are wanted", number);
        jobs.push_back({std::string(line.substr(0, blank)), std::filesystem::path(line.substr(out)), {}});
    }
    return jobs;
}

}  // namespace packswarm::cli
