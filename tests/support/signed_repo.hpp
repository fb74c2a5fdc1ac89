// Throw-away OpenPGP keys and small signed repositories for tests, made with the real gpg, tar and compressors.
// Everything throws std::runtime_error when a program fails. Agents that gpg starts end with the GpgHome.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/nginx.hpp"

namespace packswarm::test {

// Runs a program to its end with input on its standard input; gives its standard output.
std::string run_program(const std::vector<std::string>& argv, std::string_view input = {});
std::string sha256_hex(std::string_view content);
void write_file(const std::filesystem::path& path, std::string_view content);  // makes the folders above
std::string read_file(const std::filesystem::path& path);
std::string compress(std::string_view content,
                     const std::string& ending);  // "gz", "bz2", "lzma", "xz", "zst", "lz4"; "" is as it is

struct KeyOptions {
    std::string name = "packswarm test";
    std::string algorithm = "ed25519";  // or "rsa2048"
    std::string expires = "never";      // "1d", "2y"
    std::string at;                     // gpg's clock when making it, "20200101T000000"; empty: now
    std::string binding_digest;         // of its own signatures, "SHA1"; empty: gpg's choice
};

struct SignOptions {
    std::string digest = "SHA256";
    std::string at;       // gpg's clock when signing
    std::string expires;  // of the signature, "1d"
    bool armor = true;    // detached signatures only
};

class GpgHome {
  public:
    GpgHome() = default;
    ~GpgHome();
    const std::filesystem::path& path() const { return folder_.path(); }

    std::string make_key(const KeyOptions& options = {});  // primary fingerprint
    std::string add_signing_subkey(const std::string& primary, const std::string& algorithm = "ed25519");
    void revoke(const std::string& primary);
    void import(std::string_view keys);
    void sign_locally(const std::string& primary);  // makes a key valid, as pacman-key --lsign-key
    std::string export_keys(const std::vector<std::string>& keys, bool armor = false);
    // keys: fingerprints, "FPR!" for exactly that subkey; one signature each.
    std::string clearsign(std::string_view text, const std::vector<std::string>& keys, const SignOptions& options = {});
    std::string sign_detached(std::string_view data, const std::vector<std::string>& keys,
                              const SignOptions& options = {});
    std::string gpg(std::vector<std::string> arguments, std::string_view input = {});

  private:
    std::string sign(std::string_view data, const std::vector<std::string>& keys, const SignOptions& options,
                     std::vector<std::string> mode);
    TempDir folder_;
};

struct ReleaseOptions {
    std::string suite = "stable", codename = "bookworm", origin = "packswarm test";
    std::string date = "Sat, 11 Jul 2026 10:16:37 UTC", valid_until;
    std::string architectures = "amd64", components = "main";
    std::string extra;  // further lines, each ended
};

// A Release text that lists these files (path -> content).
std::string release_text(const std::map<std::string, std::string>& files, const ReleaseOptions& options = {});
std::string packages_stanza(const std::string& name, const std::string& version, const std::string& path,
                            std::string_view content);

// dists/<suite> with main/binary-amd64/Packages in the plain and given compressed forms, also by hash, InRelease,
// Release and Release.gpg; pool files as given (path -> content; a path is pool/<name>_<version>_amd64.deb).
void write_debian_repository(const std::filesystem::path& root, const std::string& suite,
                             const std::map<std::string, std::string>& pool, GpgHome& gpg, const std::string& key,
                             const ReleaseOptions& options = {},
                             const std::vector<std::string>& endings = {"", "gz", "xz"});

struct PacmanPackage {
    std::string name, version = "1-1", architecture = "x86_64";
    std::string file;       // bytes of the .pkg.tar.zst
    std::string signature;  // binary; goes into %PGPSIG%, empty: left out
    long build_date = 1'780'000'000;
    std::string file_name() const { return name + "-" + version + "-" + architecture + ".pkg.tar.zst"; }
};

// Bytes of a package that holds .PKGINFO and one payload file.
std::string pacman_package_file(const std::string& name, const std::string& version, const std::string& architecture,
                                std::string_view payload);
std::string desc_text(const PacmanPackage& package);
// A tar of members (path -> content) behind a compression (see compress).
std::string tar_of(const std::map<std::string, std::string>& members, const std::string& ending);
std::string pacman_database(const std::vector<PacmanPackage>& packages, const std::string& ending = "gz");

}  // namespace packswarm::test
