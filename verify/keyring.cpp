#include "verify/keyring.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <system_error>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/gpg_context.hpp"
#include "verify/key_bindings.hpp"
#include "verify/safe_text.hpp"
#include "verify/temporary_home.hpp"

namespace packswarm::verify {

namespace fs = std::filesystem;

namespace {

// What gpg may do in our homes: no agent, no network, no default keyserver; the machine's gpg.conf comes before and is
// overruled.
constexpr std::string_view quiet_conf =
    "batch\nno-tty\nno-greeting\nno-autostart\nno-auto-key-retrieve\nno-auto-key-locate\ndisable-dirmngr\nno-random-"
    "seed-file\n";
constexpr std::string_view always_trust_conf = "trust-model always\nno-auto-check-trustdb\n";

constexpr unsigned least_rsa_bits = 2048;  // of apt since 2.9.0 and of Sequoia's policy

// Of a folder, what apt reads since 2.9.15: run-parts' rule for names (apt-pkg/contrib/fileutl.cc,
// GetListOfFilesInDir).
bool is_apt_name(const std::string& name) {
    const auto is_plain = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("_-:.").find(c) != std::string_view::npos;
    };
    return !name.starts_with('.') && std::all_of(name.begin(), name.end(), is_plain);
}

bool is_keybox(std::string_view bytes) { return bytes.size() > 12 && bytes.substr(8, 4) == "KBXf"; }

// deb822 writes an empty line of an embedded key as " ." (sources.list(5)).
std::string plain_armor(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto line = trim(take_line(text));
        out += line == "." ? "" : line;
        out += '\n';
    }
    return out;
}

}  // namespace

struct Keyring::State {
    explicit State(TemporaryHome folder, const core::KeyringSpec& spec);

    Result<void> prepare(const core::KeyringSpec& spec);
    Result<void> copy_gnupg_home(const fs::path& from);
    Result<void> import_path(const fs::path& path);
    Result<void> import_file(const fs::path& path);
    Result<void> import_bytes(std::string_view bytes, const std::string& source);
    Result<std::string> export_keybox(std::string_view bytes) const;
    Result<void> list_keys();
    void note_expiry(const core::Fingerprint& key, WallTime end);
    void note_weak_algorithms(gpgme_key_t key);
    Result<void> note_weak_bindings();

    TemporaryHome home;
    bool needs_validity = false;
    bool strict_names = false;
    bool outlived_keys = false;
    std::set<std::string> allowed;  // fingerprints, upper case, maybe with '!'
    std::map<core::Fingerprint, core::Fingerprint> primary_of;
    std::map<core::Fingerprint, WallTime> expiries;       // of keys that expire: their own or their primary key's
    std::map<core::Fingerprint, std::string> weaknesses;  // of primary keys and subkeys
    std::vector<std::string> warnings;
};

namespace {

core::Fingerprint upper_digits(std::string_view text) {
    core::Fingerprint out;
    for (const char c : text)
        if (c != ' ') out += c >= 'a' && c <= 'f' ? static_cast<char>(c - ('a' - 'A')) : c;
    if (out.starts_with("0x") || out.starts_with("0X")) out.erase(0, 2);
    return out;
}

}  // namespace

Keyring::State::State(TemporaryHome folder, const core::KeyringSpec& spec)
    : home(std::move(folder)),
      needs_validity(!spec.gnupg_home.empty()),
      strict_names(spec.strict_names),
      outlived_keys(spec.outlived_keys) {
    for (const auto& fingerprint : spec.fingerprints) allowed.insert(upper_digits(fingerprint));
}

Result<void> Keyring::State::prepare(const core::KeyringSpec& spec) {
    const std::string conf = std::string(quiet_conf) + (needs_validity ? "" : std::string(always_trust_conf));
    for (const auto& [name, text] : {std::pair<const char*, std::string_view>{"gpg.conf", conf}, {"common.conf", ""}})
        if (auto written = replace_file(home.path() / name, as_bytes(text), 0600); !written) return written;
    if (needs_validity)
        if (auto copied = copy_gnupg_home(spec.gnupg_home); !copied) return copied;
    for (const auto& file : spec.files)
        if (auto imported = import_path(file); !imported) return imported;
    for (const auto& key : spec.embedded)
        if (auto imported = import_bytes(plain_armor(key), "the key in the sources file"); !imported) return imported;
    if (auto listed = list_keys(); !listed) return listed;
    return needs_validity ? Result<void>{} : note_weak_bindings();
}

// Importing would lose the local signatures that make keys valid, so the files are copied. Secret keys stay where they
// are.
Result<void> Keyring::State::copy_gnupg_home(const fs::path& from) {
    for (const char* name : {"pubring.gpg", "pubring.kbx", "trustdb.gpg"}) {
        const auto text = read_text(from / name, limits::max_keyring_file);
        if (!text && text.error().kind == ErrorKind::Absent) continue;
        if (!text) return fail(ErrorKind::Refused, "pacman's keyring cannot be read: {}", text.error().message);
        if (auto written = replace_file(home.path() / name, as_bytes(*text), 0600); !written) return written;
    }
    return {};
}

Result<void> Keyring::State::import_path(const fs::path& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return import_file(path);
    std::vector<fs::path> files;
    for (fs::directory_iterator at(path, error), end; !error && at != end && files.size() < limits::max_keyring_files;
         at.increment(error)) {
        if (at->path().extension() != ".gpg" && at->path().extension() != ".asc") continue;
        if (strict_names && !is_apt_name(at->path().filename().string()))
            warnings.push_back(fmt::format("keyring left out: apt does not read {}: the characters in its name",
                                           printable(at->path().string())));
        else
            files.push_back(at->path());
    }
    if (error) warnings.push_back(fmt::format("{} cannot be listed: {}", path.string(), error.message()));
    std::sort(files.begin(), files.end());
    for (const auto& file : files)
        if (auto imported = import_file(file); !imported) return imported;
    return {};
}

Result<void> Keyring::State::import_file(const fs::path& path) {
    auto bytes = read_text(path, limits::max_keyring_file);
    if (!bytes) {
        warnings.push_back(fmt::format("keyring left out: {}", bytes.error().message));
        return {};
    }
    if (is_keybox(*bytes)) {
        auto keys = export_keybox(*bytes);
        if (!keys) return tl::unexpected(keys.error());
        bytes = std::move(keys);
    }
    return import_bytes(*bytes, path.string());
}

// gpg does not import a keybox, but it exports what is in one that lies in a home.
Result<std::string> Keyring::State::export_keybox(std::string_view bytes) const {
    auto other = TemporaryHome::create();
    if (!other) return tl::unexpected(other.error());
    for (const auto& [name, text] :
         {std::pair<const char*, std::string_view>{"gpg.conf", quiet_conf}, {"pubring.kbx", bytes}})
        if (auto written = replace_file(other->path() / name, as_bytes(text), 0600); !written)
            return tl::unexpected(written.error());
    auto gpg = GpgContext::open(other->path());
    if (!gpg) return tl::unexpected(gpg.error());
    auto output = gpg_output();
    const auto ran =
        gpg->run([&](gpgme_ctx_t context) { return gpgme_op_export_start(context, nullptr, 0, output.get()); },
                 limits::gpg_deadline);
    if (!ran) return tl::unexpected(ran.error());
    return take_text(std::move(output));
}

Result<void> Keyring::State::import_bytes(std::string_view bytes, const std::string& source) {
    auto gpg = GpgContext::open(home.path());
    if (!gpg) return tl::unexpected(gpg.error());
    const auto data = gpg_data(as_bytes(bytes));
    const auto ran =
        gpg->run([&](gpgme_ctx_t context) { return gpgme_op_import_start(context, data.get()); }, limits::gpg_deadline);
    if (!ran) return tl::unexpected(ran.error());
    const auto* result = gpgme_op_import_result(gpg->get());
    if (result == nullptr || result->considered == 0)
        warnings.push_back(fmt::format("keyring left out: {} holds no OpenPGP key", printable(source)));
    return {};
}

Result<void> Keyring::State::list_keys() {
    auto gpg = GpgContext::open(home.path());
    if (!gpg) return tl::unexpected(gpg.error());
    const auto take = [&](gpgme_key_t key) {
        // pacman-key --populate disables the keys that a distribution has revoked; gpg alone would still take them.
        if (key->disabled != 0 || key->subkeys == nullptr || key->subkeys->fpr == nullptr) return;
        const core::Fingerprint primary = key->subkeys->fpr;
        for (auto* subkey = key->subkeys; subkey != nullptr; subkey = subkey->next)
            if (subkey->fpr != nullptr) {
                primary_of[subkey->fpr] = primary;
                for (const auto end : {subkey->expires, key->subkeys->expires})
                    if (end != 0) note_expiry(subkey->fpr, WallTime(Seconds(static_cast<std::int64_t>(end))));
            }
        if (!needs_validity) note_weak_algorithms(key);
    };
    const auto ran = gpg->run([](gpgme_ctx_t context) { return gpgme_op_keylist_start(context, nullptr, 0); },
                              limits::gpg_deadline, take);
    if (!ran) return tl::unexpected(ran.error());
    if (!primary_of.empty()) return {};
    std::string why;
    for (const auto& warning : warnings) why += "; " + warning;
    return fail(ErrorKind::Refused, "no key to check signatures with{}", why);
}

void Keyring::State::note_expiry(const core::Fingerprint& key, WallTime end) {
    const auto known = expiries.emplace(key, end).first;
    known->second = std::min(known->second, end);
}

// A subkey is believed no more than the key that vouches for it.
void Keyring::State::note_weak_algorithms(gpgme_key_t key) {
    const auto weakness = [](const gpgme_subkey_t subkey) -> std::string {
        const auto algorithm = subkey->pubkey_algo;
        const bool is_rsa = algorithm == GPGME_PK_RSA || algorithm == GPGME_PK_RSA_S || algorithm == GPGME_PK_RSA_E;
        if (is_rsa && subkey->length < least_rsa_bits) return fmt::format("is RSA of {} bits", subkey->length);
        return algorithm == GPGME_PK_DSA ? "is a DSA key" : "";
    };
    const auto of_primary = weakness(key->subkeys);
    for (auto* subkey = key->subkeys; subkey != nullptr; subkey = subkey->next) {
        const auto own = weakness(subkey);
        if (subkey->fpr != nullptr && !(own.empty() && of_primary.empty()))
            weaknesses[subkey->fpr] = own.empty() ? "belongs to a primary key that " + of_primary : own;
    }
}

Result<void> Keyring::State::note_weak_bindings() {
    auto gpg = GpgContext::open(home.path());
    if (!gpg) return tl::unexpected(gpg.error());
    auto output = gpg_output();
    const auto ran =
        gpg->run([&](gpgme_ctx_t context) { return gpgme_op_export_start(context, nullptr, 0, output.get()); },
                 limits::gpg_deadline);
    if (!ran) return tl::unexpected(ran.error());
    for (const auto& key : weakly_bound_keys(as_bytes(take_text(std::move(output)))))
        weaknesses.emplace(key, "is bound by SHA-1 or an older digest");
    return {};
}

Result<Keyring> Keyring::load(const core::KeyringSpec& spec) {
    auto home = TemporaryHome::create();
    if (!home) return tl::unexpected(home.error());
    auto state = std::make_shared<State>(std::move(*home), spec);
    if (auto prepared = state->prepare(spec); !prepared) return tl::unexpected(prepared.error());
    Keyring keyring;
    keyring.state_ = std::move(state);
    return keyring;
}

std::vector<core::Fingerprint> Keyring::primaries() const {
    std::set<core::Fingerprint> unique;
    for (const auto& [key, primary] : state_->primary_of) unique.insert(primary);
    return {unique.begin(), unique.end()};
}

const std::vector<std::string>& Keyring::warnings() const { return state_->warnings; }
const fs::path& Keyring::home() const { return state_->home.path(); }
bool Keyring::needs_validity() const { return state_->needs_validity; }

std::optional<core::Fingerprint> Keyring::primary_of(const core::Fingerprint& key) const {
    const auto found = state_->primary_of.find(key);
    if (found == state_->primary_of.end()) return std::nullopt;
    return found->second;
}

bool Keyring::outlived(const core::Fingerprint& key, WallTime signed_at) const {
    const auto expiry = state_->expiries.find(key);
    return state_->outlived_keys && expiry != state_->expiries.end() && signed_at <= expiry->second;
}

std::optional<std::string> Keyring::weakness_of(const core::Fingerprint& key) const {
    const auto found = state_->weaknesses.find(key);
    if (found == state_->weaknesses.end()) return std::nullopt;
    return found->second;
}

bool Keyring::allows(const core::Fingerprint& key) const {
    const auto& allowed = state_->allowed;
    const auto primary = primary_of(key);
    if (!primary) return false;
    return allowed.empty() || allowed.contains(key) || allowed.contains(key + "!") || allowed.contains(*primary);
}

namespace {

void stamp_file(std::string& stamp, const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    stamp += fmt::format("{}:{}", path.string(), error ? 0 : size);
    const auto time = fs::last_write_time(path, error);
    stamp += fmt::format(":{};", error ? 0 : time.time_since_epoch().count());
}

// Changes whenever a file that the keyring was made of does.
std::string stamp_of(const core::KeyringSpec& spec) {
    std::string stamp;
    std::vector<fs::path> paths(spec.files.begin(), spec.files.end());
    if (!spec.gnupg_home.empty())
        for (const char* name : {"pubring.gpg", "pubring.kbx", "trustdb.gpg"})
            paths.push_back(fs::path(spec.gnupg_home) / name);
    for (const auto& path : paths) {
        std::error_code error;
        std::vector<fs::path> files = {path};
        for (fs::directory_iterator at(path, error), end;
             !error && at != end && files.size() < limits::max_keyring_files; at.increment(error))
            files.push_back(at->path());
        std::sort(files.begin(), files.end());
        for (const auto& file : files) stamp_file(stamp, file);
    }
    return stamp;
}

}  // namespace

Result<Keyring> Keyrings::get(const core::KeyringSpec& spec) {
    const std::string stamp = stamp_of(spec);
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& entry : entries_)
            if (entry.spec == spec && entry.stamp == stamp) return entry.keyring;
    }
    auto keyring = Keyring::load(spec);
    if (!keyring) return keyring;
    const std::scoped_lock lock(mutex_);
    std::erase_if(entries_, [&](const Entry& entry) { return entry.spec == spec; });
    if (entries_.size() >= limits::max_keyrings) entries_.erase(entries_.begin());
    entries_.push_back({spec, stamp, *keyring});
    return keyring;
}

}  // namespace packswarm::verify
