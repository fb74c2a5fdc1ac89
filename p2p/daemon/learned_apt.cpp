#include <algorithm>
#include <map>
#include <sstream>

#include "formats/debian/apt_keys.hpp"
#include "formats/debian/debian.hpp"
#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/text.hpp"
#include "p2p/base/url.hpp"
#include "p2p/core/apt_text.hpp"
#include "p2p/daemon/learned.hpp"

namespace packswarm::daemon {

namespace {

constexpr ByteCount max_sources = 4 * limits::mib;
constexpr std::size_t max_repositories = 256;

using Words = std::vector<std::string>;

Words words_of(const std::string& text) {
    std::istringstream stream(text);
    Words out;
    for (std::string word; stream >> word;) out.push_back(word);
    return out;
}

Words comma_words(std::string text) {
    std::replace(text.begin(), text.end(), ',', ' ');
    return words_of(text);
}

struct SourceStanza {
    Words uris, suites, components, architectures;
    std::string signed_by;  // paths and fingerprints, or an embedded key
    core::DateRules dates;
    std::string release_path;
};

// An option of sources.list(5) about dates, by its name in lower case. What is no number, or 0, leaves apt.conf's
// setting.
void read_date_option(const std::string& name, std::string_view value, core::DateRules& dates) {
    if (name == "check-date") dates.check_dates = core::apt_bool(value, dates.check_dates);
    if (name == "check-valid-until") dates.check_valid_until = core::apt_bool(value, dates.check_valid_until);
    for (const auto& [one, time] :
         {std::pair("date-max-future", &dates.max_future), std::pair("valid-until-max", &dates.max_age),
          std::pair("valid-until-min", &dates.min_age)})
        if (const auto seconds = core::apt_seconds(value, Seconds(0)); name == one && seconds.count() > 0)
            *time = {seconds, {}};
}

// Where apt asks for the root, in the folder where InRelease lies else; one that leads out of it is none of ours.
std::string release_path_of(const std::string& value) {
    const auto path = decode_path("/" + value);
    return path && path->size() > 1 && !value.starts_with('/') ? path->substr(1) : std::string();
}

bool is_fingerprint(const std::string& word) {
    const std::string digits = word.ends_with('!') ? word.substr(0, word.size() - 1) : word;
    return digits.size() >= 40 && digits.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

core::KeyringSpec keyring_of(const SourceStanza& source, const std::filesystem::path& folder,
                             const std::optional<std::string>& apt_version) {
    core::KeyringSpec spec;
    spec.outlived_keys = formats::takes_outlived_keys(apt_version);
    if (source.signed_by.find("BEGIN PGP") != std::string::npos) {
        spec.embedded.push_back(source.signed_by);
        return spec;
    }
    for (auto& word : comma_words(source.signed_by)) {
        if (is_fingerprint(word)) {
            std::transform(word.begin(), word.end(), word.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
            spec.fingerprints.push_back(word);
        } else {
            spec.files.push_back(word);
        }
    }
    if (!spec.files.empty()) return spec;
    auto trusted = formats::apt_keyring(folder, apt_version);
    trusted.fingerprints = std::move(spec.fingerprints);
    trusted.outlived_keys = spec.outlived_keys;
    return trusted;
}

// mirror+file:/etc/apt/mirrors.txt: one address a line, tags behind it (apt-transport-mirror(1)).
Words addresses_of(const std::string& uri, Learned& out_of) {
    for (const std::string prefix : {"mirror+file://", "mirror+file:"}) {
        if (!uri.starts_with(prefix)) continue;
        const auto text = read_text(uri.substr(prefix.size()), max_sources);
        out_of.folders.push_back(std::filesystem::path(uri.substr(prefix.size())).parent_path());
        Words out;
        std::istringstream lines(text.value_or(""));
        for (std::string line; std::getline(lines, line);) {
            const auto words = words_of(line);
            if (!words.empty() && words.front()[0] != '#') out.push_back(words.front());
        }
        return out;
    }
    return {uri};
}

std::string base_of(std::string uri) {
    while (uri.ends_with('/')) uri.pop_back();
    return uri;
}

void add(const SourceStanza& source, const std::filesystem::path& folder, Learned& out) {
    core::Repository repository;
    repository.format = formats::debian();
    repository.components = source.components;
    repository.architectures =
        source.architectures.empty() ? Words{formats::debian()->machine_architecture()} : source.architectures;
    repository.keyring = keyring_of(source, folder, out.apt_version);
    repository.dates = source.dates;
    repository.release_path = source.release_path;
    repository.sharing = core::Sharing::by_signer;
    for (const auto& uri : source.uris)
        for (const auto& address : addresses_of(uri, out)) {
            const auto url = Url::parse(address);
            if (!url || url->has_credentials) {
                out.warnings.push_back(fmt::format("apt source left out ({}): {}",
                                                   url ? "it has a password" : url.error().message,
                                                   printable(url ? url->text() : address)));
                continue;
            }
            if (out.proxies.is_proxied(url->scheme, url->host)) {
                out.warnings.push_back(fmt::format("apt source left to apt (it asks {} through a proxy): {}",
                                                   printable(url->host, 200), printable(address)));
                continue;
            }
            repository.bases.push_back(base_of(address));
        }
    if (repository.bases.empty()) return;
    for (const auto& suite : source.suites) {
        if (out.repositories.size() >= max_repositories) return;
        repository.suite = suite;
        out.repositories.push_back(repository);
    }
}

void expand_architecture(SourceStanza& source) {
    for (auto* list : {&source.suites, &source.uris})
        for (auto& text : *list)
            if (const auto at = text.find("$(ARCH)"); at != std::string::npos)
                text.replace(at, 7, formats::debian()->machine_architecture());
}

}  // namespace

void parse_one_line_sources(std::string_view text, const std::filesystem::path& folder, Learned& out) {
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        line = std::string(trimmed(line.substr(0, line.find('#'))));
        if (!line.starts_with("deb ") && !line.starts_with("deb\t")) continue;
        SourceStanza source;
        source.dates = out.dates;
        std::string rest(trimmed(std::string_view(line).substr(4)));
        if (rest.starts_with('[')) {
            const auto close = rest.find(']');
            if (close == std::string::npos) continue;
            for (const auto& option : words_of(rest.substr(1, close - 1))) {
                const auto equals = option.find('=');
                const auto key = option.substr(0, equals);
                const auto value = equals == std::string::npos ? "" : option.substr(equals + 1);
                if (key == "arch") source.architectures = comma_words(value);
                if (key == "signed-by") source.signed_by = value;
                if (lower(key) == "inrelease-path") source.release_path = release_path_of(value);
                read_date_option(lower(key), value, source.dates);
            }
            rest = rest.substr(close + 1);
        }
        const auto words = words_of(rest);
        if (words.size() < 2) continue;
        source.uris = {words[0]};
        source.suites = {words[1]};
        source.components.assign(words.begin() + 2, words.end());
        expand_architecture(source);
        add(source, folder, out);
    }
}

void parse_deb822_sources(std::string_view text, const std::filesystem::path& folder, Learned& out) {
    std::map<std::string, std::string> fields;
    std::string last;
    const auto finish = [&] {
        const auto types = words_of(fields["types"]);
        const bool disabled = fields["enabled"] == "no" || fields["enabled"] == "false" || fields["enabled"] == "0";
        if (!disabled && std::find(types.begin(), types.end(), "deb") != types.end()) {
            SourceStanza source{words_of(fields["uris"]),
                                words_of(fields["suites"]),
                                words_of(fields["components"]),
                                words_of(fields["architectures"]),
                                std::string(trimmed(fields["signed-by"])),
                                out.dates,
                                release_path_of(fields["inrelease-path"])};
            for (const auto& [name, value] : fields) read_date_option(name, value, source.dates);
            expand_architecture(source);
            add(source, folder, out);
        }
        fields.clear();
        last.clear();
    };
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('#')) continue;
        if (trimmed(line).empty()) {
            finish();
        } else if (line[0] == ' ' || line[0] == '\t') {  // continuation; " ." is an empty line of an embedded key
            const std::string more(trimmed(line));
            if (!last.empty()) fields[last] += "\n" + (more == "." ? "" : more);
        } else if (const auto colon = line.find(':'); colon != std::string::npos) {
            last = line.substr(0, colon);
            std::transform(last.begin(), last.end(), last.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            fields[last] = trimmed(line.substr(colon + 1));
        }
    }
    finish();
}

Learned learn_from_apt(const std::filesystem::path& folder, const std::filesystem::path& dpkg_status,
                       const core::DateRules& dates, const core::ProxyRules& proxies) {
    Learned out;
    out.apt_version = formats::installed_apt(dpkg_status);
    out.folders = {folder, folder / "sources.list.d", folder / "trusted.gpg.d", folder / "apt.conf.d"};
    out.dates = dates;
    out.proxies = proxies;
    const auto read = [&](const std::filesystem::path& file, auto parse) {
        const auto text = read_text(file, max_sources);
        if (text)
            parse(*text, folder, out);
        else if (text.error().kind != ErrorKind::Absent)
            out.warnings.push_back(text.error().message);
    };
    read(folder / "sources.list", parse_one_line_sources);
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "sources.list.d", error))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        if (file.extension() == ".list") read(file, parse_one_line_sources);
        if (file.extension() == ".sources") read(file, parse_deb822_sources);
    }
    return out;
}

}  // namespace packswarm::daemon
