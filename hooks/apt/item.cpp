#include "hooks/apt/item.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "p2p/base/http_date.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/text.hpp"

namespace packswarm::hooks {
namespace {

constexpr ByteCount slice_size = 4 * limits::mib;

// Best known first. The weak ones are there for who allows them (allow-weak): apt takes no file without one of those
// that it expects.
constexpr std::array known_kinds = {"SHA256", "SHA512", "SHA3-512", "SHA3-256", "SHA1", "MD5Sum"};

std::vector<std::string> kinds_to_compute(const AptHashes& expected) {
    std::vector<std::string> kinds{"SHA256"};
    for (const auto& [kind, value] : expected)
        if (kind != "SHA256") kinds.push_back(kind);
    return kinds;
}

// One strong hash that apt expects, and the one that its owner insists on. apt compares those that both sides know: a
// second one would cost more than all else that is done with the bytes, and prove nothing.
AptHashes expected_hashes(const AptMessage& acquire, const std::string& forced) {
    AptHashes expected;
    for (const std::string kind : known_kinds)
        if (const auto value = acquire.find("Expected-" + kind);
            !value.empty() && (expected.empty() || lower(kind) == lower(forced)))
            expected.emplace_back(kind, lower(value));
    return expected;
}

// By which the agent knows the file.
std::optional<Digest> name_of(const AptMessage& acquire) {
    if (const auto sha256 = Digest::parse(acquire.find("Expected-SHA256"))) return sha256;
    return half_of_sha512(acquire.find("Expected-SHA512"));
}

}  // namespace

AptItem::AptItem(const AptMessage& acquire, std::string raw, const std::string& forced)
    : raw_(std::move(raw)),
      uri_(acquire.find("URI")),
      filename_(acquire.find("Filename")),
      expected_(expected_hashes(acquire, forced)),
      digest_(name_of(acquire)),
      expected_size_(parse_byte_count(acquire.find("Expected-Checksum-FileSize"))),
      max_size_(parse_byte_count(acquire.find("Maximum-Size")).value_or(0)),
      since_(acquire.find("Last-Modified")),
      hasher_(kinds_to_compute(expected_)) {}

std::string AptItem::why_not(const AptMessage& acquire) {
    const std::string prefix = "expected-", size = "expected-checksum-filesize";
    std::string unknown;
    for (const auto& [name, value] : acquire.fields()) {
        const auto key = lower(name);
        if (!key.starts_with(prefix) || key == size || value.empty()) continue;
        for (const char* kind : known_kinds)
            if (key == prefix + lower(kind)) return {};
        unknown = name.substr(prefix.size());
    }
    return unknown.empty() ? "" : "apt expects a hash of a kind that is not known here: " + unknown;
}

control::Get AptItem::request(std::uint64_t id) const {
    control::Get get;
    get.id = id;
    get.url = uri_;
    get.digest = digest_;
    get.size = expected_size_;
    get.max_size = max_size_;
    get.since = parse_apt_date(since_);
    constexpr std::string_view partial = "/partial/";
    const auto end = filename_.rfind(partial);
    if (end != std::string::npos && filename_.find('/', end + partial.size()) == std::string::npos &&
        std::string_view(filename_).substr(0, end).ends_with("/lists"))
        get.lists = filename_.substr(0, end);
    return get;
}

Result<void> AptItem::check_size(ByteCount size) const {
    if (expected_size_ && size != *expected_size_)
        return fail(ErrorKind::Corrupt, "the agent has {} bytes where apt expects {}", size, *expected_size_);
    if (max_size_ > 0 && size > max_size_)
        return fail(ErrorKind::Refused, "the agent has {} bytes where apt allows {}", size, max_size_);
    return {};
}

Result<void> AptItem::on_start(control::Event event) {
    if (auto fits = check_size(event.size); !fits) return fits;
    if (!event.file.open()) return fail(ErrorKind::Refused, "the agent gave no file");
    source_ = std::move(event.file);
    size_ = event.size;
    modified_ = event.modified;
    return {};
}

bool AptItem::on_progress(const control::Event& event) {
    const auto prefix = std::min(event.prefix, size_);
    const bool grew = prefix > target_ || event.received > received_;
    target_ = std::max(target_, prefix);
    if (event.modified) modified_ = event.modified;
    received_ = std::max(received_, event.received);
    return grew;
}

Result<void> AptItem::on_done(control::Event event) {
    if (source_.open() && event.size != size_ && written_ > event.size) discard();
    const auto digest = event.digest;
    if (auto started = on_start(std::move(event)); !started) return started;
    agent_digest_ = digest;
    target_ = size_;
    is_final_ = true;
    return {};
}

Result<void> AptItem::open_target() {
    out_ = FileHandle(::open(filename_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!out_.open()) return fail(ErrorKind::Broken, "opening {}: {}", filename_, std::strerror(errno));
    struct stat st {};
    const bool regular = ::fstat(out_.fd(), &st) == 0 && S_ISREG(st.st_mode);
    if (!regular) return fail(ErrorKind::Broken, "{} is no regular file", filename_);
    return {};
}

// Hashes what stands in apt's file, not what was read from the agent's: these are the bytes that apt will use.
Result<void> AptItem::copy_slice(ByteRange slice) {
    if (auto copied = copy_range(source_, out_, slice); !copied) return copied;
    Bytes buffer(static_cast<std::size_t>(std::min(slice.length(), ByteCount{256} * limits::kib)));
    for (auto at = slice.begin; at < slice.end;) {
        const auto count = std::min(slice.end - at, static_cast<ByteCount>(buffer.size()));
        const auto got = read_at(out_, at, std::span(buffer).first(static_cast<std::size_t>(count)));
        if (!got) return tl::unexpected(got.error());
        if (static_cast<ByteCount>(*got) != count)
            return fail(ErrorKind::Transient, "the agent's file is shorter than it said");
        hasher_.add(std::span(buffer).first(*got));
        at += count;
    }
    return {};
}

Result<AptItem::Step> AptItem::work() {
    if (!out_.open())
        if (auto opened = open_target(); !opened) return tl::unexpected(opened.error());
    const ByteRange slice{written_, std::min(target_, written_ + slice_size)};
    if (auto copied = copy_slice(slice); !copied) return tl::unexpected(copied.error());
    written_ = slice.end;
    date();
    const bool all_there = is_final_ && written_ == size_;
    return all_there ? check() : Step::going;
}

// The bytes copied early may have been replaced since: one more copy, of the finished file, before anybody is blamed.
Result<AptItem::Step> AptItem::check() {
    hashes_ = hasher_.finish();
    bool right = !expected_.empty() || (agent_digest_ && hashes_["SHA256"] == agent_digest_->hex());
    for (const auto& [kind, value] : expected_) right &= hashes_[kind] == value;
    if (!right) {
        if (is_second_copy_) return fail(ErrorKind::Corrupt, "the agent's file is not the one that apt expects");
        is_second_copy_ = true;
        written_ = 0;
        return Step::going;
    }
    date();
    return Step::complete;
}

// A half file, too, bears the server's date: apt's own method asks for the rest only of a file of that date (If-Range).
void AptItem::date() const {
    if (!modified_) return;
    const timespec times[2] = {{0, UTIME_NOW}, {modified_->time_since_epoch().count(), 0}};
    ::futimens(out_.fd(), times);
}

std::optional<AptRemainder> AptItem::leave(const Error& reason) {
    const bool is_good_for_more =
        out_.open() && written_ > 0 && !expected_.empty() && !is_second_copy_ && reason.kind != ErrorKind::Corrupt;
    if (!is_good_for_more) {
        discard();
        return std::nullopt;
    }
    [[maybe_unused]] const auto cut = ::ftruncate(out_.fd(), written_);
    date();
    out_ = FileHandle();
    return AptRemainder{filename_, expected_, written_};
}

void AptItem::discard() {
    if (out_.open() && ::unlink(filename_.c_str()) != 0) {
        [[maybe_unused]] const auto emptied = ::ftruncate(out_.fd(), 0);
    }
    out_ = FileHandle();
    hasher_.finish();
    written_ = 0;
}

AptMessage AptItem::start_message() const {
    AptMessage message(200, "URI Start");
    message.add("URI", uri_).add("Size", std::to_string(size_));
    if (modified_) message.add("Last-Modified", http_date(*modified_));
    return message;
}

AptMessage AptItem::done_message() const {
    AptMessage message(201, "URI Done");
    message.add("URI", uri_).add("Filename", filename_).add("Size", std::to_string(size_));
    if (modified_) message.add("Last-Modified", http_date(*modified_));
    for (const auto& [kind, value] : hashes_) message.add(kind + "-Hash", value);
    return message.add("Checksum-FileSize-Hash", std::to_string(size_));
}

AptMessage AptItem::unchanged_message() {
    struct stat st {};
    if (::lstat(filename_.c_str(), &st) == 0 && S_ISREG(st.st_mode)) ::unlink(filename_.c_str());
    AptMessage message(201, "URI Done");
    message.add("URI", uri_).add("Filename", filename_);
    return message.add("Last-Modified", since_).add("IMS-Hit", "true");
}

}  // namespace packswarm::hooks
