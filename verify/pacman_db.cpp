#include "verify/pacman_db.hpp"

#include <openssl/evp.h>

#include <optional>
#include <unordered_set>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/safe_text.hpp"
#include "verify/tar_reader.hpp"

namespace packswarm::verify {

namespace {

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0 || static_cast<ByteCount>(text.size()) > limits::max_signature)
        return std::nullopt;
    std::string out(text.size() / 4 * 3, '\0');
    const int length =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (length < 0) return std::nullopt;
    const auto padding = text.ends_with("==")  ? 2
                         : text.ends_with('=') ? 1
                                               : 0;  // EVP_DecodeBlock counts it as zero bytes
    out.resize(static_cast<std::size_t>(length - padding));
    return out;
}

// Gathers the fields of one desc; finish makes sense of them.
class DescReader {
  public:
    explicit DescReader(std::string_view folder) : folder_(folder) {}
    Result<void> block(std::string_view key, std::string_view value);
    Result<PacmanDesc> finish();

  private:
    tl::unexpected<Error> malformed(std::string_view what, std::string_view text) const {
        return fail(ErrorKind::Corrupt, "a pacman database whose {} of {} is '{}'", what, printable(folder_, 80),
                    printable(text, 80));
    }

    std::string_view folder_;
    std::unordered_set<std::string> seen_;
    PacmanDesc desc_;
    bool has_size_ = false;
};

Result<void> DescReader::block(std::string_view key, std::string_view value) {
    if (!seen_.insert(std::string(key)).second) return malformed("desc repeats a field; that", key);
    auto& entry = desc_.entry;
    const auto name_into = [&](std::string& field) -> Result<void> {
        if (!is_safe_name(value)) return malformed(key, value);
        field = value;
        return {};
    };
    if (key == "FILENAME") return value.starts_with('.') ? Result<void>(malformed(key, value)) : name_into(entry.path);
    if (key == "NAME") return name_into(entry.name);
    if (key == "VERSION") return name_into(entry.version);
    if (key == "ARCH") return name_into(entry.architecture);
    if (key == "CSIZE") {
        const auto size = parse_count(value, limits::max_artifact);
        if (!size) return malformed(key, value);
        entry.size = *size;
        has_size_ = true;
    } else if (key == "BUILDDATE") {
        const auto seconds = parse_count(value, 1LL << 40);
        if (!seconds) return malformed(key, value);
        desc_.build_date = WallTime(Seconds(*seconds));
    } else if (key == "SHA256SUM") {
        const auto digest = Digest::parse(value);
        if (!digest) return malformed(key, value);
        entry.digest = *digest;
        desc_.has_digest = true;
    } else if (key == "PGPSIG") {
        auto signature = decode_base64(value);
        if (!signature) return malformed(key, value);
        entry.signature = std::move(*signature);
    }
    return {};
}

Result<PacmanDesc> DescReader::finish() {
    const auto& entry = desc_.entry;
    if (entry.path.empty() || entry.name.empty() || entry.version.empty() || entry.architecture.empty() || !has_size_)
        return malformed("desc lacks FILENAME, NAME, VERSION, ARCH or CSIZE; its name", entry.name);
    if (folder_ != entry.name + "-" + entry.version)
        return malformed("name and version", entry.name + "-" + entry.version);
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
Result<PacmanDesc> parse_desc(std::string_view folder, std::string_view text) {
    DescReader reader(folder);
    while (!text.empty()) {
        const auto line = trim(take_line(text));
        if (line.empty()) continue;
        if (line.size() < 3 || !line.starts_with('%') || !line.ends_with('%'))
            return fail(ErrorKind::Corrupt, "a pacman database with '{}' for a field name", printable(line, 60));
        const auto value = trim(take_line(text));
        if (auto read = reader.block(line.substr(1, line.size() - 2), value); !read)
            return tl::unexpected(read.error());
        if (value.empty()) continue;
        while (!text.empty() && !trim(take_line(text)).empty()) {
        }
    }
    return reader.finish();
}

Result<PacmanDatabase> parse_pacman_db(ByteView bytes) {
    if (static_cast<ByteCount>(bytes.size()) > limits::max_database)
        return fail(ErrorKind::Corrupt, "a pacman database of {} bytes; at most {} are read", bytes.size(),
                    limits::max_database);
    auto content = Unpacked::open(bytes, {limits::max_packages_text, limits::max_decompression_ratio});
    if (!content) return tl::unexpected(content.error());
    auto tar = TarReader::open(std::move(*content));
    if (!tar) return tl::unexpected(tar.error());
    PacmanDatabase database;
    std::unordered_set<std::string> names;
    while (true) {
        const auto member = tar->next();
        if (!member) return tl::unexpected(member.error());
        if (!*member) return database;
        const auto folder = folder_of_desc(**member);
        if (folder.empty()) continue;
        const auto text = tar->text(limits::max_stanza);
        if (!text) return tl::unexpected(text.error());
        auto desc = parse_desc(folder, *text);
        if (!desc) return tl::unexpected(desc.error());
        if (!names.insert(desc->entry.name).second)
            return fail(ErrorKind::Corrupt, "a pacman database that lists {} twice", printable(desc->entry.name));
        if (database.entries.size() >= limits::max_index_entries)
            return fail(ErrorKind::Corrupt, "a pacman database of more than {} packages", limits::max_index_entries);
        database.newest_build = std::max(database.newest_build, desc->build_date);
        if (desc->has_digest) database.entries.push_back(std::move(desc->entry));
    }
}

}  // namespace packswarm::verify
