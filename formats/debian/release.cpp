#include "formats/debian/release.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/hasher.hpp"
#include "verify/safe_text.hpp"

namespace packswarm::formats {

namespace {

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> out;
    constexpr std::string_view blanks = " \t\r";
    for (auto at = text.find_first_not_of(blanks); at != std::string_view::npos;) {
        const auto end = std::min(text.find_first_of(blanks, at), text.size());
        out.push_back(text.substr(at, end - at));
        at = text.find_first_not_of(blanks, end);
    }
    return out;
}

std::vector<std::string> names(std::string_view text) {
    std::vector<std::string> out;
    for (const auto word : words(text))
        if (word.size() <= limits::max_name) out.emplace_back(word);
    return out;
}

struct Number {
    int value = 0;
    bool good = false;
};

Number number(std::string_view text, int max) {
    Number out;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.value);
    out.good =
        !text.empty() && error == std::errc{} && end == text.data() + text.size() && out.value >= 0 && out.value <= max;
    return out;
}

std::optional<std::chrono::seconds> parse_clock(std::string_view text) {
    const auto first = text.find(':');
    const auto second = text.find(':', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto hours = number(text.substr(0, first), 23);
    const auto minutes = number(text.substr(first + 1, second - first - 1), 59);
    const auto seconds = number(text.substr(second + 1), 60);
    if (!hours.good || !minutes.good || !seconds.good) return std::nullopt;
    return std::chrono::hours(hours.value) + std::chrono::minutes(minutes.value) + std::chrono::seconds(seconds.value);
}

// One Release text on its way to an IndexRoot.
class ReleaseReader {
  public:
    Result<void> line(std::string_view line);
    Result<core::IndexRoot> finish();

  private:
    Result<void> field(std::string_view name, std::string_view value);
    struct Listed {
        std::vector<core::IndexEntry> files;
        std::unordered_map<std::string, std::size_t> by_path;  // index into files
        bool is_there = false, has_too_many = false;
    };
    Result<void> date(std::string_view name, std::string_view value, std::optional<WallTime>& out);
    void hash(std::string_view line);
    void left_out(std::string_view what, std::string_view text) {
        root_.left_out.add(fmt::format("{}: '{}'", what, printable(text, 200)));
    }

    core::IndexRoot root_;
    std::optional<WallTime> date_;
    std::unordered_set<std::string> seen_;  // field names, lower case
    Listed sha256_, sha512_;                // the latter counts where there is none of the former
    Listed* in_hashes_ = nullptr;           // whose lines come now
    bool ended_ = false, has_more_ = false, has_sha3_ = false;
};

Result<void> ReleaseReader::line(std::string_view line) {
    if (line.size() > static_cast<std::size_t>(limits::max_release_line))
        return fail(ErrorKind::Corrupt, "a Release file with a line of {} bytes", line.size());
    if (verify::trim(line).empty()) {
        ended_ = !seen_.empty();
        return {};
    }
    if (ended_) {  // apt reads the first paragraph
        if (!std::exchange(has_more_, true)) left_out("a second paragraph", line);
        return {};
    }
    if (line.front() == ' ' || line.front() == '\t') {
        if (in_hashes_ != nullptr) hash(line);
        return {};
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
        left_out("a line without a field name", line);
        return {};
    }
    return field(line.substr(0, colon), verify::trim(line.substr(colon + 1)));
}

Result<void> ReleaseReader::field(std::string_view name, std::string_view value) {
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    if (seen_.size() > limits::max_release_fields)
        return fail(ErrorKind::Corrupt, "a Release file with too many fields");
    in_hashes_ = lower == "sha256" ? &sha256_ : lower == "sha512" ? &sha512_ : nullptr;
    has_sha3_ |= lower.starts_with("sha3");
    if (!seen_.insert(lower).second) {  // apt takes the last
        left_out("a field given twice, of which the last counts", name);
        if (in_hashes_ != nullptr) *in_hashes_ = {};
    }
    if (in_hashes_ != nullptr) in_hashes_->is_there = true;
    if (lower == "origin") root_.origin = value;
    if (lower == "label") root_.label = value;
    if (lower == "suite") root_.suite = value;
    if (lower == "codename") root_.codename = value;
    if (lower == "architectures") root_.architectures = names(value);
    if (lower == "components") root_.components = names(value);
    if (lower == "acquire-by-hash") root_.by_hash = verify::equals_ignoring_case(value, "yes");
    if (lower == "date") return date(name, value, date_);
    if (lower == "valid-until") return date(name, value, root_.valid_until);
    return {};
}

Result<void> ReleaseReader::date(std::string_view name, std::string_view value, std::optional<WallTime>& out) {
    out = parse_date(value);
    if (!out) return fail(ErrorKind::Corrupt, "a Release file whose {} is '{}'", printable(name), printable(value, 60));
    return {};
}

void ReleaseReader::hash(std::string_view line) {
    const auto parts = words(line);
    core::IndexEntry entry;
    auto& listed = *in_hashes_;
    const bool is_sha512 = in_hashes_ == &sha512_;
    const auto digest = parts.size() != 3 ? std::nullopt
                        : is_sha512       ? half_of_sha512(parts[0])
                                          : Digest::parse(parts[0]);
    const auto size = parts.size() == 3 ? verify::parse_count(parts[1], limits::max_artifact) : std::nullopt;
    auto path = parts.size() == 3 ? verify::safe_path(parts[2]) : std::nullopt;
    if (!digest || !size || !path) return left_out(is_sha512 ? "a SHA512 line" : "a SHA256 line", verify::trim(line));
    if (const auto known = listed.by_path.find(*path); known != listed.by_path.end()) {  // apt takes the first
        const auto& first = listed.files[known->second];
        if (first.digest != *digest || first.size != *size)
            left_out("a file listed twice with different hashes, of which the first counts", *path);
        return;
    }
    if (listed.files.size() >= limits::max_release_files) {
        listed.has_too_many = true;
        return;
    }
    listed.by_path.emplace(*path, listed.files.size());
    entry.path = std::move(*path);
    entry.size = *size;
    entry.digest = *digest;
    listed.files.push_back(std::move(entry));
}

Result<core::IndexRoot> ReleaseReader::finish() {
    if (!date_)
        return fail(ErrorKind::Corrupt, "a Release file without Date{}",
                    root_.left_out.empty() ? std::string() : "; " + root_.left_out.named.front());
    auto& listed = sha256_.is_there ? sha256_ : sha512_;
    if (!listed.is_there && has_sha3_)
        root_.remark =
            "its files are listed by SHA-3 alone: the package manager checks them by it, and they are handed through "
            "to it, neither kept nor shared";
    else if (!listed.is_there)
        return fail(ErrorKind::Refused, "a Release file without SHA256 hashes: its weaker ones are not believed");
    if (!sha256_.is_there) root_.by_hash = false;  // such a path would need the whole of the SHA-512
    root_.files = std::move(listed.files);
    if (listed.has_too_many)
        return fail(ErrorKind::Corrupt, "a Release file that lists more than {} files", limits::max_release_files);
    root_.date = *date_;
    for (const auto& text : {root_.suite, root_.codename})
        if (text.size() > limits::max_name)
            return fail(ErrorKind::Corrupt, "a Release file with a name of {} bytes", text.size());
    root_.product = product_of(root_);
    for (auto* text : {&root_.origin, &root_.label}) {  // the product is told by all of them, messages by none
        if (text->size() <= limits::max_name) continue;
        left_out(fmt::format("a name of {} bytes", text->size()), std::string_view(*text).substr(0, 60));
        text->clear();
    }
    return std::move(root_);
}

}  // namespace

Digest product_of(const core::IndexRoot& root) {
    const auto& name = root.codename.empty() ? root.suite : root.codename;
    return verify::digest_of(as_bytes("packswarm product 1\n" + root.origin + "\n" + root.label + "\n" + name + "\n"));
}

std::optional<WallTime> parse_date(std::string_view text) {
    static constexpr std::array<std::string_view, 12> months = {"jan", "feb", "mar", "apr", "may", "jun",
                                                                "jul", "aug", "sep", "oct", "nov", "dec"};
    const auto parts = words(text);
    if (parts.size() != 6 || !parts[0].ends_with(',')) return std::nullopt;
    const auto day = number(parts[1], 31);
    const auto year = number(parts[3], 9999);
    const auto time = parse_clock(parts[4]);
    std::size_t month = 0;
    while (month < months.size() && !verify::equals_ignoring_case(parts[2], months[month])) ++month;
    const bool utc =
        parts[5] == "UTC" || parts[5] == "GMT" || parts[5] == "Z" || parts[5] == "+0000" || parts[5] == "-0000";
    if (!day.good || !year.good || year.value < 1970 || !time || month == months.size() || !utc) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(year.value),
                                           std::chrono::month(static_cast<unsigned>(month + 1)),
                                           std::chrono::day(static_cast<unsigned>(day.value))};
    if (!date.ok()) return std::nullopt;
    return WallTime(std::chrono::sys_days(date)) + *time;
}

Result<core::IndexRoot> parse_release(std::string_view text) {
    if (static_cast<ByteCount>(text.size()) > limits::max_release)
        return fail(ErrorKind::Corrupt, "a Release file of {} bytes; at most {} are read", text.size(),
                    limits::max_release);
    ReleaseReader reader;
    while (!text.empty())
        if (auto read = reader.line(verify::take_line(text)); !read) return tl::unexpected(read.error());
    return reader.finish();
}

Result<void> check_suite(const core::IndexRoot& root, std::string_view suite) {
    if (suite == "../project/experimental") suite = "experimental";
    const auto names_it = [&](std::string_view name) {
        return !name.empty() && (root.suite == name || root.codename == name);
    };
    const bool flat = suite.ends_with('/');
    const auto folder = suite.substr(0, suite.rfind('/'));  // all of it when there is no '/'
    const bool free_of_name =
        flat && (folder.empty() || folder == "." || (root.suite.empty() && root.codename.empty()));
    if (free_of_name || names_it(suite) || names_it(folder)) return {};
    return fail(ErrorKind::Corrupt, "the Release file is of suite '{}' (codename '{}'), not of '{}'",
                printable(root.suite, 60), printable(root.codename, 60), printable(suite, 60));
}

}  // namespace packswarm::formats
