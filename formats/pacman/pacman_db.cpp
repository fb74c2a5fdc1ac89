#include "formats/pacman/pacman_db.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "formats/tar_reader.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/base64.hpp"
#include "verify/safe_text.hpp"

namespace packswarm::formats {

namespace {

// Gathers the fields of one desc; finish makes sense of them. The first problem says enough; reading goes on for the
// build date.
class DescReader {
  public:
    explicit DescReader(std::string_view folder) : folder_(folder) {}
    void block(std::string_view key, std::string_view value);
    void problem(std::string_view what, std::string_view text) {
        if (desc_.problem.empty())
            desc_.problem = fmt::format("{}: its {} is '{}'", printable(folder_, 80), what, printable(text, 200));
    }
    PacmanDesc finish();

  private:
    void name_into(std::string& field, std::string_view key, std::string_view value);
    void number(std::string_view key, std::string_view value);
    void checksum(std::string_view key, std::string_view value);

    std::string_view folder_;
    std::unordered_set<std::string> seen_;
    PacmanDesc desc_;
    bool has_size_ = false, has_digest_ = false;
};

void DescReader::block(std::string_view key, std::string_view value) {
    if (!seen_.insert(std::string(key)).second) return problem("field that it repeats", key);
    auto& entry = desc_.entry;
    if (key == "FILENAME" && value.starts_with('.')) return problem(key, value);
    if (key == "FILENAME") return name_into(entry.path, key, value);
    if (key == "NAME") return name_into(entry.name, key, value);
    if (key == "VERSION") return name_into(entry.version, key, value);
    if (key == "ARCH") return name_into(entry.architecture, key, value);
    if (key == "CSIZE" || key == "BUILDDATE") return number(key, value);
    if (key == "SHA256SUM" || key == "PGPSIG") return checksum(key, value);
}

void DescReader::name_into(std::string& field, std::string_view key, std::string_view value) {
    if (!verify::is_safe_name(value)) return problem(key, value);
    field = value;
}

void DescReader::number(std::string_view key, std::string_view value) {
    const bool is_size = key == "CSIZE";
    const auto read = verify::parse_count(value, is_size ? limits::max_artifact : 1LL << 40);
    if (!read) return problem(key, value);
    if (is_size) desc_.entry.size = *read;
    if (!is_size) desc_.build_date = WallTime(Seconds(*read));
    has_size_ = has_size_ || is_size;
}

void DescReader::checksum(std::string_view key, std::string_view value) {
    if (key == "PGPSIG") {
        auto signature = verify::decode_base64(value, limits::max_signature);
        if (!signature) return problem(key, value);
        desc_.entry.signature = std::move(*signature);
        return;
    }
    const auto digest = Digest::parse(value);
    if (!digest) return problem(key, value);
    desc_.entry.digest = *digest;
    has_digest_ = true;
}

PacmanDesc DescReader::finish() {
    const auto& entry = desc_.entry;
    if (entry.path.empty() || entry.name.empty() || entry.version.empty() || entry.architecture.empty() || !has_size_)
        problem("name, in a desc that lacks FILENAME, NAME, VERSION, ARCH or CSIZE,", entry.name);
    else if (folder_ != entry.name + "-" + entry.version)
        problem("name and version", entry.name + "-" + entry.version);
    else if (!has_digest_)
        problem("SHA256SUM", "missing");
    return std::move(desc_);
}

// The folder of "<folder>/desc", empty for other members.
std::string_view folder_of_desc(const TarMember& member) {
    const std::string_view path = member.path;
    if (!member.is_file || !path.ends_with("/desc")) return {};
    return path.substr(path.starts_with("./") ? 2 : 0, path.size() - 5 - (path.starts_with("./") ? 2 : 0));
}

}  // namespace

// Blocks are "%KEY%", value lines, a blank line. Only the first value of a list matters here.
PacmanDesc read_desc(std::string_view folder, std::string_view text) {
    DescReader reader(folder);
    while (!text.empty()) {
        const auto line = verify::trim(verify::take_line(text));
        if (line.empty()) continue;
        if (line.size() < 3 || !line.starts_with('%') || !line.ends_with('%')) {
            reader.problem("field name", line);
            continue;
        }
        const auto value = verify::trim(verify::take_line(text));
        reader.block(line.substr(1, line.size() - 2), value);
        if (value.empty()) continue;
        while (!text.empty() && !verify::trim(verify::take_line(text)).empty()) {
        }
    }
    return reader.finish();
}

Result<PacmanDesc> parse_desc(std::string_view folder, std::string_view text) {
    auto desc = read_desc(folder, text);
    if (!desc.problem.empty()) return fail(ErrorKind::Corrupt, "a pacman database with the odd entry {}", desc.problem);
    return desc;
}

namespace {

// Puts the entries of a database together: each package once.
class DatabaseReader {
  public:
    explicit DatabaseReader(std::size_t most_entries) : most_entries_(most_entries) {}
    Result<void> add(PacmanDesc desc);
    void left_out(std::string which_and_why) { database_.left_out.add(std::move(which_and_why)); }
    PacmanDatabase finish();

  private:
    const std::size_t most_entries_;
    PacmanDatabase database_;
    std::unordered_map<std::string, std::size_t> by_name_;  // index into entries
};

Result<void> DatabaseReader::add(PacmanDesc desc) {
    database_.newest_build = std::max(database_.newest_build, desc.build_date);
    if (!desc.problem.empty()) return left_out(std::move(desc.problem)), Result<void>{};
    auto& entry = desc.entry;
    if (const auto known = by_name_.find(entry.name); known != by_name_.end()) {
        auto& first = database_.entries[known->second];
        left_out(
            fmt::format("{} {}: the package is listed twice", printable(entry.name, 80), printable(entry.version, 80)));
        // Which bytes a server has under the one name, nobody can tell.
        if (first.path == entry.path && first.digest != entry.digest) first.path.clear();
        return {};
    }
    if (database_.entries.size() >= most_entries_)
        return fail(ErrorKind::Corrupt, "a pacman database of more than {} packages", most_entries_);
    by_name_.emplace(entry.name, database_.entries.size());
    database_.entries.push_back(std::move(entry));
    return {};
}

PacmanDatabase DatabaseReader::finish() {
    std::erase_if(database_.entries, [](const core::IndexEntry& entry) { return entry.path.empty(); });
    return std::move(database_);
}

}  // namespace

Result<PacmanDatabase> parse_pacman_db(ByteView bytes, const DatabaseBounds& bounds) {
    if (static_cast<ByteCount>(bytes.size()) > bounds.bytes)
        return fail(ErrorKind::Corrupt, "a pacman database of {} bytes; at most {} are read", bytes.size(),
                    bounds.bytes);
    auto content = Unpacked::open(bytes, {limits::max_packages_text, limits::max_decompression_ratio});
    if (!content) return tl::unexpected(content.error());
    auto tar = TarReader::open(std::move(*content));
    if (!tar) return tl::unexpected(tar.error());
    DatabaseReader reader(bounds.entries);
    while (true) {
        const auto member = tar->next();
        if (!member) return tl::unexpected(member.error());
        if (!*member) return reader.finish();
        const auto folder = folder_of_desc(**member);
        if (folder.empty()) continue;
        if ((*member)->size > limits::max_stanza) {
            reader.left_out(fmt::format("{}: a desc of more than {} bytes", printable(folder, 80), limits::max_stanza));
            continue;
        }
        const auto text = tar->text(limits::max_stanza);
        if (!text) return tl::unexpected(text.error());
        if (auto added = reader.add(read_desc(folder, *text)); !added) return tl::unexpected(added.error());
    }
}

}  // namespace packswarm::formats
