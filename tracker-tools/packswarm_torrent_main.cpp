// packswarm-torrent: canonical torrents for operators of swarms, trackers and mirrors. It reads files and writes
// torrents, and never opens a socket. Exit status: 0 all is well, 1 something is not, or the command line's own errors.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "formats/mirror_folder.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/core/freshness.hpp"
#include "p2p/core/repository_table.hpp"
#include "p2p/swarm/torrents/canonical_torrent.hpp"
#include "verify/file_verifier.hpp"
#include "verify/hasher.hpp"
#include "verify/keyring.hpp"

namespace packswarm {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Words {
    std::vector<std::string> files;
    std::string torrent, mirror, output;
    std::vector<std::string> trackers, webseeds, suites, components, architectures, keyrings;
    std::string pacman_home = "/etc/pacman.d/gnupg";
    bool json = false;
    int status = 0;
};

// What one file's torrent is made of.
struct Made {
    Digest digest;
    ByteCount size = 0;
    PieceHashes pieces;
};

// Collects what the program says, and says it as lines at once or as JSON at the end.
class Report {
  public:
    explicit Report(bool json) : json_(json) {}
    void item(Json json, const std::string& line) {
        if (json_)
            items_.push_back(std::move(json));
        else
            std::printf("%s\n", line.c_str());
    }
    void problem(const std::string& message) {
        problems_.push_back(message);
        if (!json_) std::fprintf(stderr, "packswarm-torrent: %s\n", printable(message, 500).c_str());
    }
    void note(const std::string& message) const {
        std::fprintf(stderr, "packswarm-torrent: %s\n", printable(message, 500).c_str());
    }
    int finish() const {
        const Json all{{"items", items_}, {"problems", problems_}};
        if (json_) std::printf("%s\n", all.dump(2, ' ', true, Json::error_handler_t::replace).c_str());
        return problems_.empty() ? 0 : 1;
    }

  private:
    bool json_;
    Json items_ = Json::array();
    std::vector<std::string> problems_;
};

Result<Made> hash(const fs::path& path) {
    const auto file = open_for_reading(path);
    if (!file) return tl::unexpected(file.error());
    const auto info = file_info(*file);
    if (!info) return tl::unexpected(info.error());
    if (info->size == 0 || info->size > limits::max_artifact)
        return fail(ErrorKind::Refused, "{}: {} bytes make no torrent", path.string(), info->size);
    const auto digest = verify::hash_file(*file);
    if (!digest) return tl::unexpected(digest.error());
    auto pieces = verify::piece_hashes(*file, {0, info->size}, core::piece_length(info->size));
    if (!pieces) return tl::unexpected(pieces.error());
    return Made{*digest, info->size, std::move(*pieces)};
}

// Writes <digest>.torrent into the folder, when one is given, and reports name, infohash and magnet link.
void give_out(const Words& words, Report& report, const std::string& name, const Made& made,
              const std::vector<std::string>& webseeds) {
    const auto infohash = swarm::infohash(made.digest, made.size, made.pieces).hex();
    const auto magnet = swarm::magnet_link(made.digest, made.size, made.pieces, words.trackers, webseeds);
    Json item{
        {"file", name}, {"sha256", made.digest.hex()}, {"size", made.size}, {"infohash", infohash}, {"magnet", magnet}};
    if (!words.output.empty()) {
        const auto path = fs::path(words.output) / (made.digest.hex() + ".torrent");
        auto torrent = swarm::make_torrent_file(made.digest, made.size, made.pieces, words.trackers, webseeds);
        const auto written = torrent ? replace_file(path, *torrent) : tl::unexpected(torrent.error());
        if (!written) return report.problem(fmt::format("{}: {}", name, written.error().message));
        item["torrent"] = path.string();
    }
    report.item(item, fmt::format("{}  {}\n  {}", infohash, printable(name, 500), magnet));
}

int make_folder(const Words& words, Report& report) {
    std::error_code problem;
    if (!words.output.empty()) fs::create_directories(words.output, problem);
    if (problem) report.problem(fmt::format("making {}: {}", words.output, problem.message()));
    return problem ? report.finish() : 0;
}

int run_make(const Words& words) {
    Report report(words.json);
    if (const int failed = make_folder(words, report)) return failed;
    if (words.files.size() > 1 && !words.webseeds.empty())
        report.problem(
            "--webseed names one file's address; give one FILE, or use 'index', which adds each file's path");
    else
        for (const auto& path : words.files) {
            const auto made = hash(path);
            if (made)
                give_out(words, report, path, *made, words.webseeds);
            else
                report.problem(fmt::format("{}: {}", path, made.error().message));
        }
    return report.finish();
}

int run_infohash(const Words& words) {
    Report report(words.json);
    for (const auto& path : words.files) {
        const auto made = hash(path);
        if (!made) {
            report.problem(fmt::format("{}: {}", path, made.error().message));
            continue;
        }
        const auto infohash = swarm::infohash(made->digest, made->size, made->pieces).hex();
        report.item({{"file", path}, {"sha256", made->digest.hex()}, {"infohash", infohash}},
                    infohash + "  " + printable(path, 500));
    }
    return report.finish();
}

Result<swarm::TorrentFile> read_torrent(const fs::path& path) {
    const auto text = read_text(path, limits::mib);
    if (!text) return tl::unexpected(text.error());
    return swarm::parse_torrent_file(as_bytes(*text));
}

std::vector<std::string> differences(const swarm::TorrentFile& torrent, const Made& made) {
    std::vector<std::string> out;
    if (torrent.size != made.size)
        out.push_back(fmt::format("the torrent is of {} bytes, the file has {}", torrent.size, made.size));
    if (torrent.digest != made.digest)
        out.push_back(
            fmt::format("the torrent's name is {}, the file's SHA-256 {}", torrent.digest.hex(), made.digest.hex()));
    if (torrent.size != made.size) return out;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < made.pieces.size(); ++i) wrong += made.pieces[i] != torrent.pieces[i];
    if (wrong > 0) out.push_back(fmt::format("{} of {} pieces differ", wrong, made.pieces.size()));
    return out;
}

int run_verify(const Words& words) {
    Report report(words.json);
    const auto torrent = read_torrent(words.torrent);
    const auto made = torrent ? hash(words.files.front()) : tl::unexpected(torrent.error());
    if (!made) report.problem(made.error().message);
    if (!made) return report.finish();
    for (const auto& difference : differences(*torrent, *made)) report.problem(difference);
    const int status = report.finish();
    if (status == 0 && !words.json)
        std::printf("right: %s is the file of %s\n", printable(words.files.front(), 500).c_str(),
                    torrent->infohash.hex().c_str());
    return status;
}

// opentracker (WANT_ACCESSLIST_WHITE) reads one infohash in hexadecimal a line.
int run_whitelist(const Words& words) {
    Report report(words.json);
    std::set<std::string> infohashes;
    const auto add = [&](const fs::path& path) {
        const auto torrent = read_torrent(path);
        if (torrent)
            infohashes.insert(torrent->infohash.hex());
        else
            report.problem(fmt::format("{}: {}", path.string(), torrent.error().message));
    };
    for (const auto& name : words.files) {
        std::error_code problem;
        if (!fs::is_directory(name, problem)) {
            add(name);
            continue;
        }
        for (fs::directory_iterator entry(name, problem), end; !problem && entry != end; entry.increment(problem))
            if (entry->path().extension() == ".torrent") add(entry->path());
        if (problem) report.problem(fmt::format("{}: {}", name, problem.message()));
    }
    for (const auto& infohash : infohashes) report.item(infohash, infohash);
    return report.finish();
}

// ---- A whole index

bool wanted(const std::vector<std::string>& chosen, const std::string& name) {
    return chosen.empty() || std::find(chosen.begin(), chosen.end(), name) != chosen.end();
}

class IndexRun {
  public:
    IndexRun(const Words& words, Report& report) : words_(words), report_(report) {}

    void add(const formats::FolderRepository& found) {
        auto repository = found.repository;
        repository.components = words_.components;
        repository.architectures = words_.architectures;
        repository.keyring = formats::keyring_or_default(repository.format, words_.keyrings, words_.pacman_home);
        auto index = formats::read_repository(keyrings_, found.base, repository);
        if (!index) return report_.problem(index.error().message);
        for (const auto& problem : index->problems) report_.problem(problem);
        tell_age(repository, index->root);
        for (const auto& entry : index->packages) add(found.base, repository, index->root, entry);
    }
    void tell_sums() const {
        report_.note(
            fmt::format("{} torrents, {} of the listed files are not in this folder, {} are not what the index lists",
                        made_, missing_, wrong_));
    }

  private:
    void tell_age(const core::Repository& repository, const core::IndexRoot& root) const {
        const auto now = std::chrono::floor<Seconds>(std::chrono::system_clock::now());
        const auto fresh = core::check_freshness(root, {}, now, core::StaleIndex::accept);
        if (!fresh) return report_.problem(fresh.error().message);
        const auto signer = root.is_signed ? "signed by " + root.signers.front()
                                           : "not signed, so each package's own signature decides";
        report_.note(
            fmt::format("{}: {}, {} hours old", core::root_path(repository), signer, fresh->age.count() / 3600));
        for (const auto& warning : fresh->warnings) report_.note(warning);
    }
    // A package of an index that nobody signed counts when its own signature is good.
    Result<void> check_signature(const fs::path& path, const core::Repository& repository,
                                 const core::IndexEntry& entry) {
        auto file = StagedFile::take_over(path);
        if (!file) return tl::unexpected(file.error());
        file->keep();  // the mirror's file is only looked at
        std::string signature = entry.signature;
        const auto beside = repository.format->package_signature(path.string());
        if (signature.empty() && !beside.empty()) signature = read_text(beside, limits::max_signature).value_or("");
        if (signature.empty()) return fail(ErrorKind::Absent, "it has no signature, and neither has its database");
        if (const auto right = verify::FileVerifier::check_all(*file, entry.digest); !right)
            return tl::unexpected(right.error());
        return repository.format->check_package(keyrings_, file->handle(), file->size(), as_bytes(signature),
                                                repository.keyring, entry);
    }
    void add(const fs::path& base, const core::Repository& repository, const core::IndexRoot& root,
             const core::IndexEntry& entry) {
        if (!done_.insert(entry.digest).second) return;
        const auto made = hash(base / entry.path);
        if (!made && made.error().kind == ErrorKind::Absent) {
            ++missing_;
            return;
        }
        if (!made) return report_.problem(fmt::format("{}: {}", entry.path, made.error().message));
        if (made->digest != entry.digest || made->size != entry.size) {
            ++wrong_;
            return report_.problem(fmt::format("{} is not the file that the index lists", entry.path));
        }
        if (const auto good = root.is_signed ? Result<void>() : check_signature(base / entry.path, repository, entry);
            !good)
            return report_.problem(fmt::format("{}: {}", entry.path, good.error().message));
        ++made_;
        std::vector<std::string> webseeds;
        for (const auto& mirror : words_.webseeds) webseeds.push_back(core::address(mirror, entry.path));
        give_out(words_, report_, entry.path, *made, webseeds);
    }

    const Words& words_;
    Report& report_;
    verify::Keyrings keyrings_;
    std::set<Digest> done_;  // one file may be listed by several suites
    std::size_t made_ = 0, missing_ = 0, wrong_ = 0;
};

int run_index(Words words) {
    Report report(words.json);
    if (const int failed = make_folder(words, report)) return failed;
    for (auto& mirror : words.webseeds)
        while (mirror.ends_with('/')) mirror.pop_back();
    std::error_code problem;
    const auto folder = fs::canonical(words.mirror, problem);
    if (problem) report.problem(fmt::format("{}: {}", words.mirror, problem.message()));
    if (problem) return report.finish();
    IndexRun run(words, report);
    bool any = false;
    for (const auto& found : formats::find_repositories(folder)) {
        if (!wanted(words.suites, found.repository.suite)) continue;
        any = true;
        run.add(found);
    }
    if (!any) report.problem(formats::no_repository_in(folder));
    run.tell_sums();
    return report.finish();
}

// ---- The command line

void add_common(CLI::App& command, Words& words) {
    command.add_flag("--json", words.json, "Print one JSON object instead of lines");
}

void add_making(CLI::App& command, Words& words, const char* webseed) {
    add_common(command, words);
    command.add_option("-o,--output", words.output, "Write <sha256>.torrent files into this folder");
    command.add_option("--tracker", words.trackers, "Announce address to put in; may be given several times")
        ->allow_extra_args(false);
    command.add_option("--webseed", words.webseeds, webseed)->allow_extra_args(false);
}

void add_commands(CLI::App& app, Words& words) {
    auto* make = app.add_subcommand("make", "Canonical torrents and magnet links of files");
    make->add_option("FILE", words.files)->required();
    add_making(*make, words, "HTTP address of this one file (BEP 19)");
    make->callback([&] { words.status = run_make(words); });

    auto* index =
        app.add_subcommand("index", "The same for every package of a mirror's folder that its signed index lists");
    index->add_option("MIRROR_DIR", words.mirror, "Holds dists/ and pool/, or pacman databases")->required();
    index->add_option("--suite", words.suites, "Only this suite or pacman repository; may be given several times")
        ->allow_extra_args(false);
    index->add_option("--component", words.components, "Only this component")->allow_extra_args(false);
    index->add_option("--arch", words.architectures, "Only this architecture, and 'all'")->allow_extra_args(false);
    index->add_option("--keyring", words.keyrings, "File of the keys that may sign; default: the system's own keyrings")
        ->allow_extra_args(false);
    index->add_option("--pacman-home", words.pacman_home, "pacman's GnuPG home, for its databases")
        ->capture_default_str();
    add_making(*index, words, "HTTP base address of this mirror; each file's path is added (BEP 19)");
    index->callback([&] { words.status = run_index(words); });

    auto* infohash = app.add_subcommand("infohash", "Infohashes of files");
    infohash->add_option("FILE", words.files)->required();
    add_common(*infohash, words);
    infohash->callback([&] { words.status = run_infohash(words); });

    auto* verify = app.add_subcommand("verify", "Whether a torrent is the canonical torrent of a file");
    verify->add_option("TORRENT", words.torrent)->required();
    verify->add_option("FILE", words.files)->required()->expected(1);
    add_common(*verify, words);
    verify->callback([&] { words.status = run_verify(words); });

    auto* whitelist =
        app.add_subcommand("whitelist", "Infohashes of torrents, one a line, as opentracker's access list wants them");
    whitelist->add_option("TORRENT", words.files, "Torrent files, or folders of them")->required();
    add_common(*whitelist, words);
    whitelist->callback([&] { words.status = run_whitelist(words); });
}

}  // namespace

}  // namespace packswarm

int main(int argc, char** argv) {
    packswarm::Words words;
    CLI::App app{"Makes, names and checks the canonical torrents of packages"};
    app.require_subcommand(1);
    packswarm::add_commands(app, words);
    CLI11_PARSE(app, argc, argv);
    return words.status;
}
