#include "hooks/apt/options.hpp"

#include <cstdlib>

#include "p2p/core/apt_text.hpp"

namespace packswarm::hooks {
namespace {

constexpr long default_hosts = 10;  // apt's own Acquire::QueueHost::Limit

enum class Scope { transport, acquire };  // Acquire::http::[HOST::]NAME and the like, or Acquire::NAME
enum class When { is_set, is_yes, is_no, is_positive, is_access };
enum class About { everything, tls, indexes, archives, plain_names };  // plain_names: without an extension

struct Option {
    std::string_view name;
    Scope scope;
    When when;
    About about;
};

constexpr Option options[] = {
    {"Dl-Limit", Scope::transport, When::is_positive, About::everything},
    {"AllowRedirect", Scope::transport, When::is_no, About::everything},
    {"AllowRanges", Scope::transport, When::is_no, About::everything},
    {"No-Cache", Scope::transport, When::is_yes, About::everything},
    {"Max-Age", Scope::transport, When::is_positive, About::indexes},
    {"No-Store", Scope::transport, When::is_yes, About::archives},
    {"SendAccept", Scope::transport, When::is_no, About::plain_names},
    {"User-Agent", Scope::transport, When::is_set, About::everything},
    {"Referer", Scope::transport, When::is_set, About::everything},
    {"ConnectionAttemptDelayMsec", Scope::transport, When::is_set, About::everything},
    {"CAInfo", Scope::transport, When::is_set, About::tls},
    {"CRLFile", Scope::transport, When::is_set, About::tls},
    {"IssuerCert", Scope::transport, When::is_set, About::tls},
    {"SslCert", Scope::transport, When::is_set, About::tls},
    {"SslKey", Scope::transport, When::is_set, About::tls},
    {"SslForceVersion", Scope::transport, When::is_set, About::tls},
    {"Verify-Peer", Scope::transport, When::is_no, About::tls},
    {"Verify-Host", Scope::transport, When::is_no, About::tls},
    {"AllowTLS", Scope::acquire, When::is_no, About::everything},  // also http: a redirect may lead to https
    {"ForceIPv4", Scope::acquire, When::is_yes, About::everything},
    {"ForceIPv6", Scope::acquire, When::is_yes, About::everything},
    {"Connect::IDN", Scope::acquire, When::is_no, About::everything},
    {"Connect::AddrConfig", Scope::acquire, When::is_no, About::everything},
    {"Queue-Mode", Scope::acquire, When::is_access, About::everything},
    {"QueueHost::Limit", Scope::acquire, When::is_set, About::everything},
};

bool is_about(About about, const AptFile& file) {
    switch (about) {
        case About::everything:
            return true;
        case About::tls:
            return file.scheme == "https";
        case About::indexes:
            return file.kind == AptFileKind::index;
        case About::archives:
            return file.kind == AptFileKind::archive;
        case About::plain_names:
            return file.name.find('.') == std::string::npos;
    }
    return true;
}

bool applies(When when, const std::string& value) {
    switch (when) {
        case When::is_set:
            return true;
        case When::is_yes:
            return core::apt_bool(value, false);
        case When::is_no:
            return !core::apt_bool(value, true);
        case When::is_positive:
            return std::strtol(value.c_str(), nullptr, 0) > 0;
        case When::is_access:
            return value == "access";
    }
    return true;
}

AptSetting find(const AptConfig& config, const Option& option, const AptFile& file) {
    const std::string name(option.name);
    if (option.scope == Scope::transport) return config.find_for(file.scheme, file.host, name);
    return {"Acquire::" + name, config.find("Acquire::" + name)};
}

}  // namespace

std::string why_apt_itself(const AptConfig& config, const AptFile& file) {
    for (const auto& option : options) {
        if (!is_about(option.about, file)) continue;
        const auto setting = find(config, option, file);
        if (!setting.value.empty() && applies(option.when, setting.value))
            return setting.key + " \"" + setting.value + "\" is set: apt's own method keeps to it";
    }
    return {};
}

std::size_t processes_of_apt(const AptConfig& config, const std::string& scheme) {
    const bool is_limited = std::strtol(config.find("Acquire::" + scheme + "::Dl-Limit").c_str(), nullptr, 0) > 0;
    if (is_limited || config.find("Acquire::Queue-Mode") == "access") return 1;
    const auto limit = config.find("Acquire::QueueHost::Limit");
    const long hosts = limit.empty() ? default_hosts : std::strtol(limit.c_str(), nullptr, 0);
    return hosts > 0 ? static_cast<std::size_t>(hosts) + 1 : 1;  // one more for all hosts beyond the limit
}

}  // namespace packswarm::hooks
