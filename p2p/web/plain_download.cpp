#include "p2p/web/plain_download.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "p2p/base/file.hpp"
#include "p2p/base/http_date.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/url.hpp"
#include "p2p/web/easy.hpp"

namespace packswarm::web {

namespace {

// A server that hangs up while we write must not end the program.
class NoBrokenPipe {
  public:
    NoBrokenPipe() {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoBrokenPipe() {
        const timespec at_once{};
        if (!::sigismember(&before_, SIGPIPE)) ::sigtimedwait(&pipe_, nullptr, &at_once);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

  private:
    sigset_t pipe_{}, before_{};
};

// The file at out. It is created, or cut to the first kept byte, only when begin() is called: after a good answer.
class Output {
  public:
    explicit Output(std::filesystem::path path) : path_(std::move(path)) {}

    struct Present {
        ByteCount bytes = 0;
        WallTime modified{};
    };
    Present present() const {
        struct stat info {};
        if (::stat(path_.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
        return {static_cast<ByteCount>(info.st_size), WallTime(Seconds(info.st_mtime))};
    }
    Result<void> begin(ByteCount kept) {
        file_ = FileHandle(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        if (!file_.open() || ::ftruncate(file_.fd(), kept) != 0) return broken("cannot write");
        return {};
    }
    Result<void> write(ByteCount offset, const char* bytes, std::size_t count) {
        return write_at(file_, offset, {bytes, count});
    }
    // Broken-off files are dated too: the date decides whether a later resume may go on from there.
    Result<void> date(std::optional<WallTime> modified) {
        if (!modified || !file_.open()) return {};
        const auto seconds = static_cast<time_t>(modified->time_since_epoch().count());
        const timespec times[2] = {{0, UTIME_OMIT}, {seconds, 0}};
        if (::futimens(file_.fd(), times) != 0) return broken("cannot date");
        return {};
    }

  private:
    Result<void> broken(const char* what) const {
        return fail(ErrorKind::Broken, "{} {}: {}", what, path_.string(), std::strerror(errno));
    }
    std::filesystem::path path_;
    FileHandle file_;
};

void end_when_silent(Easy& easy, Millis stall_timeout) {
    easy.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    easy.set(CURLOPT_LOW_SPEED_TIME,
             std::max(1L, static_cast<long>(std::chrono::ceil<Seconds>(stall_timeout).count())));
}

class Download final : public AnswerSink {
  public:
    Download(Address address, const std::filesystem::path& out, const DownloadOptions& options)
        : options_(options), address_(std::move(address)), output_(out), easy_(options.http, *this) {
        wanted_.max_bytes = options.max_bytes;
        wanted_.conditional = options.if_modified_since.has_value();
        if (auto url = Url::parse(address_.text)) wanted_.path = url->path;
        const auto present = options.resume == Resume::when_possible ? output_.present() : Output::Present{};
        if (present.bytes > 0) wanted_.begin = present.bytes;
        conditions_ = {options.if_modified_since, http_date(present.modified), {}};
    }

    Result<Downloaded> run() {
        for (;;) {
            auto hop = attempt();
            if (next_address_) {
                address_ = std::move(*next_address_);
            } else if (!hop && no_part_ && wanted_.begin) {
                wanted_.begin.reset();  // what is there is not the start of that file, or the server gives no parts
            } else if (!hop) {
                return fail(hop.error().kind, "{}: {}", printable(address_.text, 300), hop.error().message);
            } else {
                report(Clock::now(), Pace::at_once);
                return Downloaded{gauge_.next_offset(), not_modified_, head_.last_modified};
            }
        }
    }

    std::size_t header(const char* line, std::size_t count) override {
        if (head_done_) return count;
        const std::string_view text(line, count);
        if (text.starts_with("HTTP/")) {
            AnswerHead fresh;
            fresh.bytes = head_.bytes;
            head_ = std::move(fresh);
        }
        auto read = head_.add(text);
        if (read && (text == "\r\n" || text == "\n") && easy_.status() >= 200) {
            head_done_ = true;
            read = read_head();
        }
        if (!read) failed_ = std::move(read);
        return failed_ ? count : 0;
    }

    std::size_t body(const char* bytes, std::size_t count) override {
        if (next_address_) return (drained_ += static_cast<ByteCount>(count)) <= limits::max_drained ? count : 0;
        const auto offset = gauge_.next_offset();
        if (auto taken = gauge_.take(count); !taken)
            failed_ = tl::unexpected(taken.error());
        else
            failed_ = output_.write(offset, bytes, *taken);
        report(Clock::now(), Pace::slow);
        return failed_ ? count : 0;
    }

  private:
    using Clock = std::chrono::steady_clock;
    enum class Pace { slow, at_once };

    // One request. Its result is of no account when it set next_address_.
    Result<void> attempt() {
        if (!easy_.get()) return fail(ErrorKind::Broken, "libcurl gave no handle");
        next_address_.reset();
        head_ = {};
        gauge_ = {};
        head_done_ = false;
        drained_ = 0;
        failed_ = {};
        no_part_ = false;
        end_when_silent(easy_, options_.stall_timeout);
        easy_.ask(address_, wanted_, conditions_);
        const auto code = ::curl_easy_perform(easy_.get());
        auto dated = output_.date(head_.last_modified);
        if (!failed_) return failed_;
        if (code != CURLE_OK) return tl::unexpected(easy_.error(code));
        if (!head_done_) return fail(ErrorKind::Transient, "the connection ended without an answer");
        if (next_address_) return {};
        if (auto whole = gauge_.finish(ending_of(head_, easy_.is_http2())); !whole) return whole;
        return dated;
    }

    Result<void> read_head() {
        const int status = easy_.status();
        if (head_.is_redirect(status)) {
            if (++redirects_ > limits::max_redirects)
                return fail(ErrorKind::Refused, "more than {} redirects", limits::max_redirects);
            auto next = address_.redirect(head_.location);
            if (!next) return tl::unexpected(next.error());
            next_address_ = std::move(*next);
            return {};
        }
        auto plan = judge(wanted_, status, head_);
        no_part_ = !plan && (status == 206 || status == 416);
        if (!plan) return tl::unexpected(plan.error());
        if (plan->total.value_or(0) > options_.max_bytes)
            return fail(ErrorKind::Refused, "{} bytes, and at most {} are allowed", *plan->total, options_.max_bytes);
        gauge_ = BodyGauge(*plan);
        total_ = plan->total;
        not_modified_ = plan->not_modified;
        return not_modified_ ? Result<void>() : output_.begin(plan->offset);
    }

    void report(Clock::time_point now, Pace pace) {
        if (!options_.progress || (pace == Pace::slow && now < next_report_)) return;
        next_report_ = now + Millis(50);
        options_.progress(gauge_.next_offset(), total_);
    }

    const DownloadOptions& options_;
    Address address_;
    std::optional<Address> next_address_;
    Wanted wanted_;
    Conditions conditions_;
    Output output_;
    AnswerHead head_;
    BodyGauge gauge_;
    Result<void> failed_;  // by one of our own rules or the disk
    bool head_done_ = false;
    bool not_modified_ = false;
    bool no_part_ = false;  // the answer to a range is no part that can be placed
    int redirects_ = 0;
    ByteCount drained_ = 0;
    std::optional<ByteCount> total_;
    Clock::time_point next_report_{};
    Easy easy_;
};

// What our own rules refuse is asked for once more as pacman and curl do it: libcurl alone decides, with its other
// schemes, its own redirects and the user's .netrc.
class AsCurl final : public AnswerSink {
  public:
    AsCurl(const std::string& url, const std::filesystem::path& out, const DownloadOptions& options)
        : options_(options), output_(out), easy_(options.http, *this) {
        easy_.set(CURLOPT_URL, url.c_str());
        easy_.set(CURLOPT_PROTOCOLS_STR, "http,https,ftp,ftps,file");
        easy_.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https,ftp,ftps");
        easy_.set(CURLOPT_FOLLOWLOCATION, 1L);
        easy_.set(CURLOPT_MAXREDIRS, static_cast<long>(limits::max_redirects));
        easy_.set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
        easy_.set(CURLOPT_FAILONERROR, 1L);
        easy_.set(CURLOPT_FILETIME, 1L);
        end_when_silent(easy_, options.stall_timeout);
    }

    Result<Downloaded> run() {
        if (!easy_.get()) return fail(ErrorKind::Broken, "libcurl gave no handle");
        const auto code = ::curl_easy_perform(easy_.get());
        if (!failed_) return tl::unexpected(failed_.error());
        if (code != CURLE_OK) return tl::unexpected(error(code));
        Downloaded out;
        out.size = size_;
        curl_off_t seconds = -1;
        ::curl_easy_getinfo(easy_.get(), CURLINFO_FILETIME_T, &seconds);
        if (seconds > 0) out.last_modified = WallTime(Seconds(seconds));
        if (size_ == 0) failed_ = output_.begin(0);
        if (auto dated = failed_ ? output_.date(out.last_modified) : failed_; !dated)
            return tl::unexpected(dated.error());
        if (options_.progress) options_.progress(size_, size_);
        return out;
    }

    std::size_t header(const char*, std::size_t count) override { return count; }

    std::size_t body(const char* bytes, std::size_t count) override {
        const auto length = static_cast<ByteCount>(count);
        if (size_ == 0) failed_ = output_.begin(0);
        if (failed_ && size_ + length > options_.max_bytes)
            failed_ = fail(ErrorKind::Refused, "the server sends more than the {} bytes allowed", options_.max_bytes);
        if (failed_) failed_ = output_.write(size_, bytes, count);
        if (failed_) size_ += length;
        return failed_ ? count : 0;
    }

  private:
    Error error(CURLcode code) const {
        auto out = easy_.error(code);
        const bool is_absent = code == CURLE_REMOTE_FILE_NOT_FOUND || code == CURLE_FILE_COULDNT_READ_FILE;
        if (is_absent || (code == CURLE_HTTP_RETURNED_ERROR && (easy_.status() == 404 || easy_.status() == 410)))
            out.kind = ErrorKind::Absent;
        else if (code == CURLE_HTTP_RETURNED_ERROR || code == CURLE_TOO_MANY_REDIRECTS)
            out.kind = ErrorKind::Refused;
        return out;
    }

    const DownloadOptions& options_;
    Output output_;
    ByteCount size_ = 0;
    Result<void> failed_;  // by one of our own rules or the disk
    Easy easy_;
};

}  // namespace

Result<Downloaded> download(const std::string& url, const std::filesystem::path& out, const DownloadOptions& options) {
    start_libcurl();
    const NoBrokenPipe quiet;
    auto address = Address::parse(url);
    auto got = address ? Download(std::move(*address), out, options).run() : tl::unexpected(address.error());
    const bool is_over = got || got.error().kind != ErrorKind::Refused || options.if_modified_since;
    if (is_over) return got;
    auto taken = AsCurl(url, out, options).run();
    if (taken || taken.error().kind == ErrorKind::Broken || !address) return taken;
    return got;  // says more than libcurl would
}

}  // namespace packswarm::web
