#include "p2p/cli/internet_question.hpp"

#include <nlohmann/json.hpp>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/units.hpp"
#include "p2p/cli/text_table.hpp"

namespace packswarm::cli {
namespace {

struct Limits {
    ByteCount rate = limits::mib, month = 50 * limits::gib;  // 0: none
    std::string port = "26881";
};

ByteCount number(const nlohmann::json& value) { return value.is_number_integer() ? value.get<ByteCount>() : 0; }

Limits limits_of(std::string_view text) {
    Limits out;
    const auto status = nlohmann::json::parse(text, nullptr, false);
    if (!status.is_object() || !status.contains("sharing") || !status["sharing"].is_object()) return out;
    const auto& sharing = status["sharing"];
    out.rate = sharing.contains("cap") ? number(sharing["cap"]) : 0;
    const auto month = sharing.value("month", nlohmann::json::object());
    out.month = month.is_object() && month.contains("quota") ? number(month["quota"]) : 0;
    if (status.contains("swarm") && status["swarm"].is_string()) {
        const auto listens = status["swarm"].get<std::string>();
        out.port = printable(listens.substr(listens.rfind(':') + 1), 5);
    }
    return out;
}

std::string most(ByteCount bytes, const std::string& unit) {
    return bytes > 0 ? show_bytes(bytes) + unit : "without a limit" + unit;
}

constexpr auto who_learns =
    "Who learns what:\n"
    "  nodes of the BitTorrent DHT, strangers   this machine's address, and which public repositories it uses\n"
    "  agents of the same repositories          the same, its newest indexes, and addresses of other agents\n"
    "  agents that it takes something from      which packages: large ones at once, small ones when mirrors are slow,\n"
    "                                           those of security suites only when no mirror is left\n"
    "  nobody                                   private repositories, and what is installed\n";

constexpr auto who_finds = "  anybody who asks the DHT                 that this machine shares those repositories\n";

}  // namespace

std::string internet_question(std::string_view status_json, BeFound be_found) {
    const auto now = limits_of(status_json);
    std::string out = "By default other agents are met on the local network only.\n\n";
    out += who_learns;
    if (be_found == BeFound::yes) out += who_finds;
    out += "What it gives at most outside the local network: " + most(now.rate, " a second") + ", " +
           most(now.month, " a month") + "\n(swarm.upload_limit and sharing.monthly_quota in packswarm.toml).\n";
    out +=
        be_found == BeFound::yes
            ? "Ports: the router is asked by UPnP and NAT-PMP to open " + now.port + ", TCP and UDP.\n\n"
            : "Ports: none is opened at a router. The agent listens on " + now.port + ", TCP and UDP, as before.\n\n";
    return out;
}

}  // namespace packswarm::cli
