#include "p2p/core/parcel.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "p2p/base/limits.hpp"

namespace packswarm::core {

namespace {

constexpr std::string_view first_line = "packswarm-bundle 1";

template <class Number>
std::optional<Number> number_of(std::string_view text, int base) {
    Number out{};
    const auto* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, out, base);
    if (text.empty() || error != std::errc{} || rest != end) return std::nullopt;
    return out;
}

// Up to the next blank; the line begins behind it then.
std::string_view take_word(std::string_view& line) {
    const auto end = std::min(line.find(' '), line.size());
    const auto word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

bool is_plain(std::string_view text, std::size_t most) {
    const auto is_odd = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; };
    return !text.empty() && text.size() <= most && std::none_of(text.begin(), text.end(), is_odd);
}

std::optional<ParcelFile> file_of(std::string_view rest) {
    const auto digest = Digest::parse(take_word(rest));
    const auto size = number_of<ByteCount>(take_word(rest), 10);
    if (!digest || !size || *size < 0 || *size > limits::max_artifact) return std::nullopt;
    if (!rest.empty() && !is_plain(rest, limits::max_url)) return std::nullopt;
    return ParcelFile{*digest, *size, std::string(rest)};
}

class ManifestReader {
  public:
    Result<Parcel> read(std::string_view text) {
        if (static_cast<ByteCount>(text.size()) > limits::max_parcel_manifest)
            return fail(ErrorKind::Refused, "its manifest is longer than {} bytes", limits::max_parcel_manifest);
        for (std::size_t number = 1; !text.empty(); ++number) {
            const auto end = text.find('\n');
            if (end == std::string_view::npos) return fail(ErrorKind::Corrupt, "its manifest is cut off");
            if (auto taken = take(number, text.substr(0, end)); !taken) return tl::unexpected(taken.error());
            text.remove_prefix(end + 1);
        }
        if (!is_begun_) return fail(ErrorKind::Corrupt, "its manifest is empty");
        for (const auto& one : out_.repositories)
            if (one.root.size == 0) return fail(ErrorKind::Corrupt, "its manifest names a repository without a root");
        return std::move(out_);
    }

  private:
    Result<void> take(std::size_t number, std::string_view line) {
        if (!std::exchange(is_begun_, true)) return begin(line);
        auto rest = line;
        const auto word = take_word(rest);
        const bool is_good = word == "repository" ? take_repository(rest) : take_of_repository(word, rest);
        if (is_good) return {};
        if (is_full_) return fail(ErrorKind::Refused, "its manifest names more than it may (line {})", number);
        return fail(ErrorKind::Corrupt, "line {} of its manifest cannot be read", number);
    }

    static Result<void> begin(std::string_view line) {
        if (line == first_line) return {};
        if (line.starts_with("packswarm-bundle "))
            return fail(ErrorKind::Refused, "it is of a version that this program does not know");
        return fail(ErrorKind::Corrupt, "its first line is not that of a bundle");
    }

    bool take_repository(std::string_view rest) {
        is_full_ = out_.repositories.size() >= limits::max_parcel_repositories;
        const auto format = take_word(rest);
        if (is_full_ || !is_plain(format, limits::max_name) || !is_plain(rest, limits::max_name)) return false;
        out_.repositories.push_back({std::string(format), std::string(rest), {}, {}, {}, {}});
        return true;
    }

    // Lines with other words are for a later version of this text: they are left out.
    bool take_of_repository(std::string_view word, std::string_view rest) {
        if (out_.repositories.empty()) return false;
        auto& repository = out_.repositories.back();
        if (word == "content") return take_content(repository.provenance, rest);
        if (word == "address") return take_address(repository.provenance, rest);
        if (word != "root" && word != "index" && word != "package") return is_plain(word, limits::max_name);
        is_full_ = ++files_ > limits::max_parcel_files;
        const auto file = is_full_ ? std::nullopt : file_of(rest);
        if (!file) return false;
        if (word == "index") repository.indexes.push_back(*file);
        if (word == "package") repository.packages.push_back(*file);
        if (word != "root") return true;
        const bool is_first = repository.root.size == 0 && file->size > 0;
        repository.root = *file;
        return is_first;
    }

    bool take_content(Provenance& provenance, std::string_view rest) {
        is_full_ = provenance.contents.size() >= limits::max_sightings;
        const auto mark = number_of<Mark>(take_word(rest), 16);
        const auto date = number_of<std::int64_t>(rest, 10);
        if (is_full_ || !mark || !date || *date < 0 || *date > (std::int64_t{1} << 40)) return false;
        provenance.contents.push_back({*mark, WallTime(Seconds(*date))});
        return true;
    }

    bool take_address(Provenance& provenance, std::string_view rest) {
        is_full_ = provenance.addresses.size() >= limits::max_sightings;
        const auto mark = number_of<Mark>(rest, 16);
        if (is_full_ || !mark) return false;
        provenance.addresses.push_back(*mark);
        return true;
    }

    Parcel out_;
    std::size_t files_ = 0;
    bool is_begun_ = false, is_full_ = false;
};

void add_file(std::string& out, std::string_view word, const ParcelFile& file) {
    out += fmt::format("{} {} {}{}{}\n", word, file.digest.hex(), file.size, file.path.empty() ? "" : " ", file.path);
}

}  // namespace

std::string manifest_of(const Parcel& parcel) {
    std::string out = std::string(first_line) + "\n";
    for (const auto& repository : parcel.repositories) {
        out += fmt::format("repository {} {}\n", repository.format, repository.suite);
        for (const auto& content : repository.provenance.contents)
            out += fmt::format("content {:016x} {}\n", content.content, content.date.time_since_epoch().count());
        for (const auto address : repository.provenance.addresses) out += fmt::format("address {:016x}\n", address);
        add_file(out, "root", repository.root);
        for (const auto& file : repository.indexes) add_file(out, "index", file);
        for (const auto& file : repository.packages) add_file(out, "package", file);
    }
    return out;
}

Result<Parcel> read_manifest(std::string_view text) { return ManifestReader().read(text); }

std::string place_in_parcel(const Digest& digest) {
    const auto hex = digest.hex();
    return "files/" + hex.substr(0, 2) + "/" + hex;
}

}  // namespace packswarm::core
