#include "formats/debian/packages.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>

#include "formats/unpacked.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/hasher.hpp"
#include "verify/safe_text.hpp"

namespace packswarm::formats {

namespace {

// Puts lines together out of blocks and paragraphs out of lines.
class PackagesReader {
  public:
    Result<void> add(ByteView block);
    Result<core::PackageList> finish();

  private:
    enum Field { package, version, architecture, filename, size, sha256, sha512, field_count };
    static Field field_of(std::string_view name);

    std::string_view bounded(std::string_view text);
    Result<void> line(std::string_view line);
    void odd(std::string_view what, std::string_view text);
    Result<void> end_stanza();
    std::optional<core::IndexEntry> take_entry();
    std::string where() const;

    core::PackageList index_;
    std::string partial_;  // a line whose end has not come yet
    ByteCount stanza_bytes_ = 0;
    std::size_t lines_ = 0;
    std::array<std::string, field_count> values_;
    std::array<bool, field_count> has_{};
    std::string odd_;           // what is wrong with this paragraph
    bool has_fields_ = false;   // this paragraph has
    bool is_packages_ = false;  // some paragraph was that of a package
};

PackagesReader::Field PackagesReader::field_of(std::string_view name) {
    switch (name.size()) {
        case 4:
            return verify::equals_ignoring_case(name, "size") ? size : field_count;
        case 6:
            if (verify::equals_ignoring_case(name, "sha512")) return sha512;
            return verify::equals_ignoring_case(name, "sha256") ? sha256 : field_count;
        case 7:
            if (verify::equals_ignoring_case(name, "package")) return package;
            return verify::equals_ignoring_case(name, "version") ? version : field_count;
        case 8:
            return verify::equals_ignoring_case(name, "filename") ? filename : field_count;
        case 12:
            return verify::equals_ignoring_case(name, "architecture") ? architecture : field_count;
        default:
            return field_count;
    }
}

std::string PackagesReader::where() const {
    const bool named = has_[package] && !values_[package].empty();
    return fmt::format("{} (line {})", named ? printable(values_[package], 80) : "a paragraph without a name", lines_);
}

// The first fault of a paragraph says enough.
void PackagesReader::odd(std::string_view what, std::string_view text) {
    has_fields_ = true;
    if (!odd_.empty()) return;
    odd_ = text.empty() ? std::string(what) : fmt::format("{}: '{}'", what, printable(text, 200));
}

Result<void> PackagesReader::add(ByteView block) {
    auto rest = as_text(block);
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        auto text = bounded(rest.substr(0, end));
        if (end == std::string_view::npos || !partial_.empty()) text = partial_ += text;
        if (end == std::string_view::npos) return {};
        auto read = line(text);
        partial_.clear();
        if (!read) return read;
        rest.remove_prefix(end + 1);
    }
    return {};
}

// Of a paragraph that has passed its bound only its end is of interest: one byte tells that a line is not blank.
std::string_view PackagesReader::bounded(std::string_view text) {
    stanza_bytes_ += static_cast<ByteCount>(text.size()) + 1;
    if (stanza_bytes_ <= limits::max_stanza) return text;
    odd(fmt::format("a paragraph of more than {} bytes", limits::max_stanza), {});
    return verify::trim(text).substr(0, 1);
}

Result<void> PackagesReader::line(std::string_view line) {
    ++lines_;
    if (verify::trim(line).empty()) return end_stanza();
    if (!odd_.empty() || line.front() == '#') return {};         // comments of deb-control(5)
    if (line.front() == ' ' || line.front() == '\t') return {};  // the field above goes on
    has_fields_ = true;
    const auto colon = line.find(':');
    const auto field = colon == std::string_view::npos ? field_count : field_of(line.substr(0, colon));
    if (colon == std::string_view::npos || colon == 0)
        odd("a line without a field name", verify::trim(line));
    else if (field != field_count && has_[field])
        odd("a field given twice", verify::trim(line));
    if (field == field_count) return {};
    is_packages_ = true;
    has_[field] = true;
    values_[field] = verify::trim(line.substr(colon + 1));
    return {};
}

Result<void> PackagesReader::end_stanza() {
    auto entry = has_fields_ ? take_entry() : std::nullopt;
    if (entry && index_.entries.size() >= limits::max_index_entries)
        return fail(ErrorKind::Corrupt, "a Packages file with too many packages: {}", where());
    if (entry)
        index_.entries.push_back(std::move(*entry));
    else if (has_fields_)
        index_.left_out.add(fmt::format("{}: {}", where(), odd_));
    stanza_bytes_ = 0;
    has_ = {};
    odd_.clear();
    has_fields_ = false;
    return {};
}

// Nothing, and why in odd_, when nobody may use it.
std::optional<core::IndexEntry> PackagesReader::take_entry() {
    core::IndexEntry entry;
    if (odd_.empty() && !has_[filename]) odd("no Filename", {});
    if (odd_.empty() && !has_[size]) odd("no Size", {});
    if (odd_.empty() && !has_[sha256] && !has_[sha512]) odd("no SHA256", {});
    auto path = odd_.empty() ? verify::safe_path(values_[filename]) : std::nullopt;
    if (!path) odd("a Filename that is not allowed", values_[filename]);
    const auto bytes = odd_.empty() ? verify::parse_count(values_[size], limits::max_artifact) : std::nullopt;
    if (!bytes) odd("a Size that is not allowed", values_[size]);
    const auto& hash = values_[has_[sha256] ? sha256 : sha512];
    const auto digest = !odd_.empty() ? std::nullopt : has_[sha256] ? Digest::parse(hash) : half_of_sha512(hash);
    if (!digest) odd(has_[sha256] ? "a SHA256 that is none" : "a SHA512 that is none", hash);
    constexpr std::array<std::pair<Field, const char*>, 3> names = {
        {{package, "no proper name"}, {version, "no proper version"}, {architecture, "no proper architecture"}}};
    for (const auto& [field, what] : names)
        if (!has_[field] || !verify::is_safe_name(values_[field]))
            odd(what, has_[field] ? values_[field] : std::string());
    if (!odd_.empty()) return std::nullopt;
    entry.path = std::move(*path);
    entry.size = *bytes;
    entry.digest = *digest;
    entry.name = values_[package];
    entry.version = values_[version];
    entry.architecture = values_[architecture];
    return entry;
}

Result<core::PackageList> PackagesReader::finish() {
    if (!partial_.empty())
        if (auto read = line(partial_); !read) return tl::unexpected(read.error());
    if (auto ended = end_stanza(); !ended) return tl::unexpected(ended.error());
    if (!is_packages_ && !index_.left_out.empty())
        return fail(ErrorKind::Corrupt, "not a Packages file: {}", index_.left_out.named.front());
    return std::move(index_);
}

using Watch = std::function<void(ByteView)>;

Result<core::PackageList> parse(Result<Unpacked> text, const Watch& watch = {}) {
    if (!text) return tl::unexpected(text.error());
    PackagesReader reader;
    while (true) {
        const auto block = text->next();
        if (!block) return tl::unexpected(block.error());
        if (block->empty()) return reader.finish();
        if (watch) watch(*block);
        if (auto read = reader.add(*block); !read) return tl::unexpected(read.error());
    }
}

constexpr UnpackBounds bounds{limits::max_packages_text, limits::max_decompression_ratio};

}  // namespace

Result<core::PackageList> parse_packages(const FileHandle& file, ByteCount size) {
    return parse(Unpacked::open(file, size, bounds));
}

Result<core::PackageList> parse_packages(const FileHandle& file, const core::IndexEntry& plain) {
    const auto info = file_info(file);
    if (!info) return tl::unexpected(info.error());
    verify::Sha256 hasher;
    ByteCount size = 0;
    auto index = parse(Unpacked::open(file, info->size, {std::min(plain.size, limits::max_packages_text), 0}),
                       [&](ByteView block) {
                           hasher.add(block);
                           size += static_cast<ByteCount>(block.size());
                       });
    // Whether a text that is not the right one can be read says nothing.
    if (size != plain.size || hasher.finish() != plain.digest)
        return fail(ErrorKind::Absent, "the list at hand is not the one that is wanted");
    return index;
}

Result<core::PackageList> parse_packages(ByteView bytes) { return parse(Unpacked::open(bytes, bounds)); }

}  // namespace packswarm::formats
