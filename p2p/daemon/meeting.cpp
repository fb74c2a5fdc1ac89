#include "p2p/daemon/meeting.hpp"

#include "p2p/base/log.hpp"

namespace packswarm::daemon {

namespace {

constexpr auto setup = "packswarm setup internet";

std::string ways_beyond(const Meeting& meeting) {
    std::string out;
    const auto add = [&out](bool is_so, const char* way) {
        if (is_so) out += (out.empty() ? "" : ", ") + std::string(way);
    };
    add(meeting.dht, "a DHT of swarm.dht_nodes");
    add(meeting.trackers, "trackers");
    return out;
}

std::string nearby(const Meeting& meeting) {
    std::string out = meeting.lan ? "the local network" : "";
    if (meeting.named) out += (out.empty() ? "" : " and ") + std::string("the peers of swarm.peers");
    return out;
}

}  // namespace

Meeting meeting_of(const Config& config, const swarm::DiscoveryView& view) {
    Meeting out;
    out.lan = config.swarm.lan_discovery;
    out.named = !config.swarm.static_peers.empty();
    out.dht = config.swarm.dht || !config.swarm.dht_nodes.empty();
    out.trackers = !config.swarm.trackers.empty();
    out.internet = config.swarm.internet;
    out.dht_nodes = view.dht_nodes;
    out.was_reached = view.was_reached;
    out.mapped_port = view.mapped_port;
    return out;
}

std::string scope_text(const Meeting& meeting) {
    switch (meeting.internet) {
        case swarm::Internet::find:
            return "agents are looked for on the Internet; this machine is not announced there (swarm.internet = "
                   "\"find\")";
        case swarm::Internet::find_and_be_found:
            return "agents are looked for on the Internet, and this machine is announced there (swarm.internet = "
                   "\"find-and-be-found\")";
        case swarm::Internet::off:
            break;
    }
    const auto near = nearby(meeting);
    if (const auto ways = ways_beyond(meeting); !ways.empty())
        return fmt::format("agents are looked for by {}{}{} (swarm.internet = \"off\")", near, near.empty() ? "" : ", ",
                           ways);
    if (near.empty()) return "agents are looked for nowhere but where they were met before (swarm.internet = \"off\")";
    return fmt::format("agents are looked for on {} only, as by default (swarm.internet = \"off\"); {} changes that",
                       near, setup);
}

std::string reach_text(const Meeting& meeting) {
    if (meeting.is_lan_only() && meeting.linked_far == 0 && !meeting.was_reached) return {};
    const auto port =
        meeting.mapped_port > 0 ? fmt::format("; the router has opened port {}", meeting.mapped_port) : "";
    if (meeting.was_reached) return "reachable from outside: others have connected to here since the start" + port;
    return "nobody from outside has connected to here since the start: it can take and give, but two such machines "
           "meet only through a third" +
           port;
}

MeetingCheck check_meeting(const Meeting& meeting) {
    const auto scope = scope_text(meeting);
    if (meeting.linked > 0)
        return {"ok",
                fmt::format("{} agent{} connected; {}", meeting.linked, meeting.linked == 1 ? " is" : "s are", scope),
                ""};
    if (meeting.is_lan_only() && !meeting.lan && !meeting.named)
        return {"warn", "nobody can be met: " + scope, std::string(setup) + ", or set swarm.lan_discovery = true"};
    if (meeting.is_lan_only())
        return {"warn", "no other agent is connected, so nobody helps when the mirrors are gone: " + scope,
                std::string(setup) + ", or name agents in swarm.peers"};
    if ((meeting.internet != swarm::Internet::off || meeting.dht) && meeting.dht_nodes == 0)
        return {"warn", "no other agent is connected, and no node of the DHT answers: " + scope,
                "see whether UDP leaves this network, and name nodes in swarm.dht_nodes"};
    return {"warn", "no other agent is connected so far: " + scope, "wait some minutes, or name agents in swarm.peers"};
}

}  // namespace packswarm::daemon
