#include "tests/support/signed_repo.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace packswarm::test {

namespace fs = std::filesystem;

namespace {

std::string read_all(int fd) {
    std::string out;
    std::array<char, 1 << 16> buffer;
    while (true) {
        const auto got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return out;
        out.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += word + " ";
    return out;
}

std::string base64(std::string_view bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a NUL
    const auto length =
        ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                          reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(length));
    return out;
}

}  // namespace

std::string run_program(const std::vector<std::string>& argv, std::string_view input) {
    TempDir folder;
    const auto input_path = folder.path() / "input";
    const auto error_path = folder.path() / "error";
    write_file(input_path, input);
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, input_path.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, error_path.c_str(), O_WRONLY | O_CREAT, 0600);
    std::vector<char*> arguments;
    for (const auto& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    const std::string output = error == 0 ? read_all(pipe[0]) : std::string();
    ::close(pipe[0]);
    if (error != 0 || wait_for(pid) != 0) throw std::runtime_error(joined(argv) + "failed: " + read_file(error_path));
    return output;
}

void write_file(const fs::path& path, std::string_view content) {
    if (path.has_parent_path()) fs::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!file) throw std::runtime_error("writing " + path.string());
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
}

std::string sha256_hex(std::string_view content) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
    ::SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
    constexpr const char* digits = "0123456789abcdef";
    std::string out;
    for (const unsigned char byte : digest) {
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

std::string compress(std::string_view content, const std::string& ending) {
    if (ending.empty()) return std::string(content);
    static const std::map<std::string, std::vector<std::string>> programs = {
        {"gz", {"gzip", "-nc"}}, {"bz2", {"bzip2", "-c"}}, {"lzma", {"xz", "--format=lzma", "-c"}},
        {"xz", {"xz", "-c"}},    {"zst", {"zstd", "-qc"}}, {"lz4", {"lz4", "-qc"}}};
    return run_program(programs.at(ending), content);
}

GpgHome::~GpgHome() {
    try {
        run_program({"gpgconf", "--homedir", path().string(), "--kill", "all"});
    } catch (const std::exception&) {  // nothing was started
    }
}

std::string GpgHome::gpg(std::vector<std::string> arguments, std::string_view input) {
    std::vector<std::string> argv = {"gpg",
                                     "--homedir",
                                     path().string(),
                                     "--batch",
                                     "--yes",
                                     "--quiet",
                                     "--no-permission-warning",
                                     "--pinentry-mode",
                                     "loopback",
                                     "--passphrase",
                                     ""};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_program(argv, input);
}

namespace {

std::vector<std::string> clock_option(const std::string& at) {
    if (at.empty()) return {};
    return {"--faked-system-time", at + "!"};  // it stands still: a second may pass until it signs
}

// The fingerprints of a --with-colons listing, in order.
std::vector<std::string> fingerprints(const std::string& listing) {
    std::vector<std::string> out;
    std::istringstream lines(listing);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("fpr:")) {
            const auto field = line.rfind(':', line.size() - 2) + 1;  // "fpr:::::::::FINGERPRINT:"
            out.push_back(line.substr(field, line.size() - 1 - field));
        }
    }
    return out;
}

}  // namespace

std::string GpgHome::make_key(const KeyOptions& options) {
    const auto before = fingerprints(gpg({"--with-colons", "--list-secret-keys"}));
    auto arguments = clock_option(options.at);
    if (!options.binding_digest.empty())
        arguments.insert(arguments.end(), {"--allow-weak-digest-algos", "--cert-digest-algo", options.binding_digest});
    const std::string user = options.name + std::to_string(before.size()) + " <test@packswarm.invalid>";
    for (const auto& word :
         {std::string("--quick-generate-key"), user, options.algorithm, std::string("sign"), options.expires})
        arguments.push_back(word);
    gpg(arguments);
    const auto after = fingerprints(gpg({"--with-colons", "--list-secret-keys", user}));
    if (after.empty()) throw std::runtime_error("gpg made no key");
    return after.front();
}

std::string GpgHome::add_signing_subkey(const std::string& primary, const std::string& algorithm) {
    gpg({"--quick-add-key", primary, algorithm, "sign", "never"});
    return fingerprints(gpg({"--with-colons", "--list-keys", primary})).back();
}

// gpg leaves a revocation certificate beside each new key, with a ':' in front to prevent accidents.
void GpgHome::revoke(const std::string& primary) {
    std::string certificate = read_file(path() / "openpgp-revocs.d" / (primary + ".rev"));
    const auto at = certificate.find(":-----BEGIN");
    if (at == std::string::npos) throw std::runtime_error("no revocation certificate for " + primary);
    gpg({"--import"}, certificate.substr(at + 1));
}

void GpgHome::import(std::string_view keys) { gpg({"--import"}, keys); }

void GpgHome::sign_locally(const std::string& primary) {
    gpg({"--quick-lsign-key", primary});
    gpg({"--check-trustdb"});
}

std::string GpgHome::export_keys(const std::vector<std::string>& keys, bool armor) {
    std::vector<std::string> arguments = {"--export"};
    if (armor) arguments.insert(arguments.begin(), "--armor");
    arguments.insert(arguments.end(), keys.begin(), keys.end());
    return gpg(arguments);
}

std::string GpgHome::sign(std::string_view data, const std::vector<std::string>& keys, const SignOptions& options,
                          std::vector<std::string> mode) {
    auto arguments = clock_option(options.at);
    for (const auto& word : {std::string("--digest-algo"), options.digest}) arguments.push_back(word);
    if (!options.expires.empty()) arguments.insert(arguments.end(), {"--default-sig-expire", options.expires});
    for (const auto& key : keys) arguments.insert(arguments.end(), {"--local-user", key});
    arguments.insert(arguments.end(), mode.begin(), mode.end());
    return gpg(arguments, data);
}

std::string GpgHome::clearsign(std::string_view text, const std::vector<std::string>& keys,
                               const SignOptions& options) {
    return sign(text, keys, options, {"--clearsign"});
}

std::string GpgHome::sign_detached(std::string_view data, const std::vector<std::string>& keys,
                                   const SignOptions& options) {
    if (options.armor) return sign(data, keys, options, {"--armor", "--detach-sign"});
    return sign(data, keys, options, {"--detach-sign"});
}

std::string release_text(const std::map<std::string, std::string>& files, const ReleaseOptions& options) {
    std::string out = "Origin: " + options.origin + "\nLabel: test\n";
    if (!options.suite.empty()) out += "Suite: " + options.suite + "\n";
    if (!options.codename.empty()) out += "Codename: " + options.codename + "\n";
    out += "Date: " + options.date + "\n";
    if (!options.valid_until.empty()) out += "Valid-Until: " + options.valid_until + "\n";
    out += "Acquire-By-Hash: yes\nArchitectures: " + options.architectures + "\nComponents: " + options.components +
           "\n" + options.extra;
    out += "SHA256:\n";
    for (const auto& [path, content] : files)
        out += " " + sha256_hex(content) + " " + std::to_string(content.size()) + " " + path + "\n";
    return out;
}

std::string packages_stanza(const std::string& name, const std::string& version, const std::string& path,
                            std::string_view content) {
    return "Package: " + name + "\nVersion: " + version +
           "\nArchitecture: amd64\nMaintainer: Test <test@packswarm.invalid>\n" + "Filename: " + path +
           "\nSize: " + std::to_string(content.size()) + "\nSHA256: " + sha256_hex(content) +
           "\nDescription: a test\n with: a second line\n\n";
}

void write_debian_repository(const fs::path& root, const std::string& suite,
                             const std::map<std::string, std::string>& pool, GpgHome& gpg, const std::string& key,
                             const ReleaseOptions& options, const std::vector<std::string>& endings) {
    std::string packages;
    for (const auto& [path, content] : pool) {
        const auto file = fs::path(path).filename().string();
        const auto first = file.find('_');
        packages +=
            packages_stanza(file.substr(0, first), file.substr(first + 1, file.rfind('_') - first - 1), path, content);
        write_file(root / path, content);
    }
    const auto folder = root / "dists" / suite;
    std::map<std::string, std::string> files;
    for (const auto& ending : endings) {
        const std::string path = "main/binary-amd64/Packages" + (ending.empty() ? "" : "." + ending);
        files[path] = compress(packages, ending);
        write_file(folder / path, files[path]);
        write_file(folder / "main/binary-amd64/by-hash/SHA256" / sha256_hex(files[path]), files[path]);
    }
    const std::string release = release_text(files, options);
    write_file(folder / "Release", release);
    write_file(folder / "Release.gpg", gpg.sign_detached(release, {key}));
    write_file(folder / "InRelease", gpg.clearsign(release, {key}));
}

std::string tar_of(const std::map<std::string, std::string>& members, const std::string& ending) {
    TempDir folder;
    std::vector<std::string> argv = {
        "tar", "--owner=0", "--group=0", "--mtime=@1780000000", "-C", folder.path().string(), "-cf", "-"};
    for (const auto& [path, content] : members) {
        write_file(folder.path() / path, content);
        argv.push_back(path);
    }
    return compress(members.empty() ? std::string(10240, '\0') : run_program(argv), ending);
}

std::string pacman_package_file(const std::string& name, const std::string& version, const std::string& architecture,
                                std::string_view payload) {
    const std::string info = "# Generated for a test\npkgname = " + name + "\npkgbase = " + name +
                             "\npkgver = " + version + "\npkgdesc = a = b\nsize = " + std::to_string(payload.size()) +
                             "\narch = " + architecture + "\nbuilddate = 1780000000\ndepend = sh\n";
    return tar_of({{".PKGINFO", info}, {".BUILDINFO", "format = 2\n"}, {"usr/share/" + name, std::string(payload)}},
                  "zst");
}

std::string desc_text(const PacmanPackage& package) {
    std::string out = "%FILENAME%\n" + package.file_name() + "\n\n%NAME%\n" + package.name + "\n\n%BASE%\n" +
                      package.name + "\n\n%VERSION%\n" + package.version + "\n\n%DESC%\na test\n\n%CSIZE%\n" +
                      std::to_string(package.file.size()) + "\n\n%ISIZE%\n1\n\n%SHA256SUM%\n" +
                      sha256_hex(package.file) + "\n\n";
    if (!package.signature.empty()) out += "%PGPSIG%\n" + base64(package.signature) + "\n\n";
    return out + "%ARCH%\n" + package.architecture + "\n\n%BUILDDATE%\n" + std::to_string(package.build_date) +
           "\n\n%PACKAGER%\nTest\n\n%DEPENDS%\nsh\nglibc>=2\n\n";
}

std::string pacman_database(const std::vector<PacmanPackage>& packages, const std::string& ending) {
    std::map<std::string, std::string> members;
    for (const auto& package : packages) members[package.name + "-" + package.version + "/desc"] = desc_text(package);
    return tar_of(members, ending);
}

}  // namespace packswarm::test
