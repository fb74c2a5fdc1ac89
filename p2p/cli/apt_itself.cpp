#include "p2p/cli/apt_itself.hpp"

#include "p2p/base/command_output.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::cli {
namespace {

std::string apt_dump() {
    const auto command = std::string("apt-config dump --format '") + apt_dump_format + "' 2>/dev/null";
    return command_output(command, limits::max_apt_message);
}

hooks::AptMessage request_for(const std::string& address, hooks::AptFileKind kind) {
    hooks::AptMessage request(600, "URI Acquire");
    request.add("URI", address);
    if (kind == hooks::AptFileKind::index) request.add("Index-File", "true");
    return request;
}

// apt runs the command for each host; here it is only said that there is one.
std::string detector_of(const hooks::AptConfig& config, const std::string& scheme) {
    for (const auto* name : {"Proxy-Auto-Detect", "ProxyAutoDetect"}) {
        const auto key = "Acquire::" + scheme + "::" + name;
        if (!config.find(key).empty()) return key + " may name a proxy for it";
    }
    return {};
}

void add_base(const hooks::AptConfig& config, const hooks::AptRoute& route, const std::string& scheme,
              const std::string& base, std::vector<TakenByApt>& out) {
    const auto index = route.why_not(request_for(base + "/dists/stable/InRelease", hooks::AptFileKind::index));
    const auto archive = route.why_not(request_for(base + "/pool/main/p/p.deb", hooks::AptFileKind::archive));
    if (!index.empty() && index == archive) return out.push_back({base, "everything", index});
    if (!index.empty()) out.push_back({base, "indexes", index});
    if (!archive.empty()) out.push_back({base, "packages", archive});
    const auto detector = detector_of(config, scheme);
    if (index.empty() && archive.empty() && !detector.empty()) out.push_back({base, "everything", detector});
}

}  // namespace

std::vector<TakenByApt> taken_by_apt(const std::string& dump, const hooks::AptEnvironment& environment,
                                     const std::vector<std::string>& bases) {
    const auto message = hooks::AptMessage::parse("601 Configuration\n" + dump);
    std::vector<TakenByApt> out;
    if (!message) return out;
    for (const std::string scheme : {"http", "https"}) {
        const hooks::AptConfig config(*message, scheme);
        const hooks::AptRoute route(config, environment);
        for (const auto& base : bases)
            if (base.starts_with(scheme + "://")) add_base(config, route, scheme, base, out);
    }
    return out;
}

std::vector<TakenByApt> taken_by_apt(const std::vector<std::string>& bases) {
    return bases.empty() ? std::vector<TakenByApt>()
                         : taken_by_apt(apt_dump(), hooks::AptEnvironment::from_process(), bases);
}

}  // namespace packswarm::cli
