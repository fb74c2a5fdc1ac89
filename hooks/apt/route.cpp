#include "hooks/apt/route.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "hooks/apt/options.hpp"
#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/text.hpp"
#include "p2p/base/url.hpp"
#include "p2p/core/apt_text.hpp"

namespace packswarm::hooks {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

template <class Each>
void for_words(std::string_view text, std::string_view separators, Each each) {
    while (true) {
        const auto begin = text.find_first_not_of(separators);
        if (begin == std::string_view::npos) return;
        text.remove_prefix(begin);
        const auto end = std::min(text.find_first_of(separators), text.size());
        each(text.substr(0, end));
        text.remove_prefix(end);
    }
}

// no_proxy: domains, with or without a leading dot, that are reached without a proxy.
bool is_excepted(std::string_view host, std::string_view no_proxy) {
    bool found = false;
    for_words(no_proxy, ", ", [&](std::string_view domain) {
        const auto name = lower(domain.starts_with('.') ? domain.substr(1) : domain);
        found |= host == name ||
                 (host.ends_with(name) && host.size() > name.size() && host[host.size() - name.size() - 1] == '.');
    });
    return found;
}

void add_logins(const std::filesystem::path& file, std::set<std::string>& hosts) {
    const auto text = read_text(file, limits::mib);
    if (text) hosts.merge(login_hosts(*text));
}

}  // namespace

AptEnvironment AptEnvironment::from_process() {
    const auto file = environment("SSL_CERT_FILE");
    return {environment("http_proxy"), environment("https_proxy"), environment("no_proxy"),
            file.empty() ? environment("SSL_CERT_DIR") : file};
}

std::string host_of(std::string_view uri) {
    const auto scheme = uri.find("://");
    if (scheme != std::string_view::npos) uri.remove_prefix(scheme + 3);
    uri = uri.substr(0, uri.find_first_of("/?#"));
    const auto at = uri.rfind('@');
    if (at != std::string_view::npos) uri.remove_prefix(at + 1);
    const auto bracket = uri.find(']');
    const auto colon = uri.find(':', bracket == std::string_view::npos ? 0 : bracket);
    return lower(uri.substr(0, colon));
}

std::set<std::string> login_hosts(std::string_view netrc) {
    std::set<std::string> hosts;
    bool is_name = false;
    for_words(netrc, " \t\r\n", [&](std::string_view word) {
        if (is_name) hosts.insert(host_of(word));
        is_name = word == "machine";
    });
    return hosts;
}

AptRoute::AptRoute(AptConfig config, AptEnvironment environment)
    : config_(std::move(config)), environment_(std::move(environment)) {
    const auto file = config_.find_path("Dir::Etc::netrc");
    if (!file.empty()) add_logins(file, logins_);
    const auto folder = config_.find_path("Dir::Etc::netrcparts");
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
        if (entry->path().extension() == ".conf") add_logins(entry->path(), logins_);
}

// In apt's own order: no_proxy, the host's proxy, the proxy of all hosts, the environment.
std::string AptRoute::why_proxied(const std::string& scheme, const std::string& host) const {
    if (config_.find_bool("Packswarm::Use-With-Proxy", false) || is_excepted(host, environment_.none)) return {};
    auto proxy = config_.find_for(scheme, host, "Proxy::" + host);
    if (proxy.value.empty()) proxy = config_.find_for(scheme, host, "Proxy");
    if (proxy.value.empty()) proxy = {"http_proxy", environment_.http};
    if (proxy.key == "http_proxy" && scheme == "https" && !environment_.https.empty())
        proxy = {"https_proxy", environment_.https};
    const bool is_direct = proxy.value.empty() || proxy.value == "DIRECT" || proxy.value == "false";
    return is_direct ? std::string() : "a proxy is set: " + proxy.key;
}

std::string AptRoute::why_not(const AptMessage& acquire) const {
    const auto url = Url::parse(acquire.find("URI"));
    if (!url) return url.error().message;
    if (url->has_credentials) return "the address carries credentials";
    if (has_login(url->host)) return "auth.conf has a login for this host";
    const auto proxy = acquire.find("Proxy");  // found by Proxy-Auto-Detect, or the host's own
    if (!proxy.empty() && proxy != "DIRECT" && !config_.find_bool("Packswarm::Use-With-Proxy", false))
        return "a proxy is set for this host";
    if (auto why = proxy.empty() ? why_proxied(url->scheme, url->host) : std::string(); !why.empty()) return why;
    if (url->host.ends_with(".onion")) return "onion services are not for the agent";
    if (url->scheme == "https" && !environment_.certificates.empty())
        return "the environment names certificates: SSL_CERT_FILE or SSL_CERT_DIR";
    const auto forced = lower(config_.find("Acquire::ForceHash"));
    if (!forced.empty() && forced != "sha256") return "Acquire::ForceHash names another hash than SHA256";
    AptFile file{url->scheme, url->host, url->path.substr(url->path.rfind('/') + 1)};
    if (file.host.starts_with('[')) file.host = file.host.substr(1, file.host.size() - 2);
    if (core::apt_bool(acquire.find("Index-File"), false)) file.kind = AptFileKind::index;
    return why_apt_itself(config_, file);
}

}  // namespace packswarm::hooks
