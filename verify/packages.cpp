#include "verify/packages.hpp"

#include <array>
#include <cstring>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/safe_text.hpp"
#include "verify/unpacked.hpp"

namespace packswarm::verify {

namespace {

// Puts lines together out of blocks and paragraphs out of lines.
class PackagesReader {
  public:
    Result<void> add(ByteView block);
    Result<std::vector<core::IndexEntry>> finish();

  private:
    enum Field { package, version, architecture, filename, size, sha256, field_count };
    static Field field_of(std::string_view name);

    Result<void> line(std::string_view line);
    Result<void> end_stanza();
    tl::unexpected<Error> malformed(std::string_view what, std::string_view text) const;

    std::vector<core::IndexEntry> entries_;
    std::string partial_;  // a line whose end has not come yet
    ByteCount stanza_bytes_ = 0;
    std::size_t lines_ = 0;
    std::array<std::string, field_count> values_;
    std::array<bool, field_count> has_{};
};

PackagesReader::Field PackagesReader::field_of(std::string_view name) {
    switch (name.size()) {
        case 4:
            return equals_ignoring_case(name, "size") ? size : field_count;
        case 6:
            return equals_ignoring_case(name, "sha256") ? sha256 : field_count;
        case 7:
            if (equals_ignoring_case(name, "package")) return package;
            return equals_ignoring_case(name, "version") ? version : field_count;
        case 8:
            return equals_ignoring_case(name, "filename") ? filename : field_count;
        case 12:
            return equals_ignoring_case(name, "architecture") ? architecture : field_count;
        default:
            return field_count;
    }
}

tl::unexpected<Error> PackagesReader::malformed(std::string_view what, std::string_view text) const {
    return fail(ErrorKind::Corrupt, "a Packages file with {} near line {}: '{}'", what, lines_, printable(text, 80));
}

Result<void> PackagesReader::add(ByteView block) {
    auto rest = as_text(block);
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        stanza_bytes_ += static_cast<ByteCount>(std::min(end, rest.size()) + 1);
        if (stanza_bytes_ > limits::max_stanza)
            return malformed(fmt::format("a paragraph of more than {} bytes", limits::max_stanza), values_[package]);
        if (end == std::string_view::npos) {
            partial_ += rest;
            return {};
        }
        Result<void> read;
        if (partial_.empty()) {
            read = line(rest.substr(0, end));
        } else {
            partial_ += rest.substr(0, end);
            read = line(partial_);
            partial_.clear();
        }
        if (!read) return read;
        rest.remove_prefix(end + 1);
    }
    return {};
}

Result<void> PackagesReader::line(std::string_view line) {
    ++lines_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return end_stanza();
    if (line.front() == ' ' || line.front() == '\t') return trim(line).empty() ? end_stanza() : Result<void>{};
    if (line.front() == '#') return {};  // comments of deb-control(5)
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return malformed("a line without a field name", line);
    const auto field = field_of(line.substr(0, colon));
    if (field == field_count) return {};
    if (has_[field]) return malformed("a field given twice", line);
    has_[field] = true;
    values_[field] = trim(line.substr(colon + 1));
    return {};
}

Result<void> PackagesReader::end_stanza() {
    stanza_bytes_ = 0;
    const auto has = has_;
    has_ = {};
    if (!has[filename] || !has[size] || !has[sha256]) return {};
    core::IndexEntry entry;
    auto path = safe_path(values_[filename]);
    if (!path) return malformed("a Filename that is not allowed", values_[filename]);
    const auto bytes = parse_count(values_[size], limits::max_artifact);
    if (!bytes) return malformed("a Size that is not allowed", values_[size]);
    const auto digest = Digest::parse(values_[sha256]);
    if (!digest) return malformed("a SHA256 that is none", values_[sha256]);
    for (const auto field : {package, version, architecture})
        if (!has[field] || !is_safe_name(values_[field]))
            return malformed("a paragraph without a proper name, version and architecture", *path);
    if (entries_.size() >= limits::max_index_entries) return malformed("too many packages", *path);
    entry.path = std::move(*path);
    entry.size = *bytes;
    entry.digest = *digest;
    entry.name = values_[package];
    entry.version = values_[version];
    entry.architecture = values_[architecture];
    entries_.push_back(std::move(entry));
    return {};
}

Result<std::vector<core::IndexEntry>> PackagesReader::finish() {
    if (!partial_.empty())
        if (auto read = line(partial_); !read) return tl::unexpected(read.error());
    if (auto ended = end_stanza(); !ended) return tl::unexpected(ended.error());
    return std::move(entries_);
}

Result<std::vector<core::IndexEntry>> parse(Result<Unpacked> text) {
    if (!text) return tl::unexpected(text.error());
    PackagesReader reader;
    while (true) {
        const auto block = text->next();
        if (!block) return tl::unexpected(block.error());
        if (block->empty()) return reader.finish();
        if (auto read = reader.add(*block); !read) return tl::unexpected(read.error());
    }
}

constexpr UnpackBounds bounds{limits::max_packages_text, limits::max_decompression_ratio};

}  // namespace

Result<std::vector<core::IndexEntry>> parse_packages(const FileHandle& file, ByteCount size) {
    return parse(Unpacked::open(file, size, bounds));
}

Result<std::vector<core::IndexEntry>> parse_packages(ByteView bytes) { return parse(Unpacked::open(bytes, bounds)); }

}  // namespace packswarm::verify
