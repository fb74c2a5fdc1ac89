#include "p2p/cli/status_text.hpp"

#include "p2p/base/log.hpp"
#include "p2p/cli/text_table.hpp"

namespace packswarm::cli {
namespace {

std::string shown(const std::string& text, const char* otherwise = "-") {
    return text.empty() ? otherwise : printable(text);
}

std::string words(const watch::Texts& texts) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : " ") + printable(text);
    return out.empty() ? "-" : out;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string sources(const std::vector<watch::Source>& all) {
    std::string out;
    for (const auto& one : all)
        out += fmt::format("{}{} {}{}{}", out.empty() ? "" : ", ", show_bytes(one.bytes), shown(one.kind),
                           one.source.empty() ? "" : " ", shown(one.source, ""));
    return out.empty() ? "-" : out;
}

// Entries of its indexes that nobody may use: the others are not hidden by them.
std::string show_left_out(const watch::Repository& repository) {
    if (!repository.left_out) return {};
    auto out = fmt::format("{}: left out of its indexes: {}\n", shown(repository.id), repository.left_out->count);
    for (const auto& one : repository.left_out->named) out += "  - " + printable(one, 600) + "\n";
    return out;
}

// One that is live needs no words.
std::string show_health(const watch::Repository& repository) {
    const auto& health = repository.health;
    if (health.sentence.empty() || health.state == "live") return {};
    auto out = fmt::format("{}: {}: {}\n", shown(repository.id), shown(health.state), printable(health.sentence, 600));
    if (const auto remedy = health.remedy.value_or(""); !remedy.empty()) out += "  " + printable(remedy, 600) + "\n";
    return out;
}

std::string show_repositories(const watch::Status& status) {
    TextTable table{"REPOSITORY", "STATE", "HEALTH", "INDEX OF", ">PACKAGES", "SHARED", "MIRRORS"};
    std::string notes;
    for (const auto& one : status.repositories) {
        table.add({shown(one.id), shown(one.state), shown(one.health.state), one.date ? show_time(*one.date) : "-",
                   std::to_string(one.entries), one.sharing == "allowed" ? "yes" : "no",
                   std::to_string(one.bases.size())});
        if (const auto message = one.message.value_or(""); !message.empty())
            notes += shown(one.id) + ": " + shown(message) + "\n";
        notes += show_health(one);
        notes += show_left_out(one);
    }
    const auto hidden = status.hidden_repositories;
    if (hidden > 0) notes += fmt::format("{} private ones are shown to root and the agent's own user only\n", hidden);
    if (table.empty() && hidden == 0) return "no repositories are known; see packswarm.toml(5)\n";
    return (table.empty() ? "" : table.text()) + notes;
}

std::string show_transfers_under_way(const watch::Status& status) {
    TextTable table{"UNDER WAY", "FOR", ">HERE", ">OF", ">SINCE", "FROM"};
    for (const auto& one : status.transfers)
        table.add({base_name(shown(one.name)), shown(one.asker), show_bytes(one.received), show_bytes(one.size),
                   show_seconds(one.seconds), sources(one.sources)});
    return table.empty() ? "" : "\n" + table.text();
}

std::string show_sharing(const watch::Sharing& sharing) {
    auto out = shown(sharing.state);
    if (const auto reason = sharing.reason.value_or(""); !reason.empty()) out += " (" + shown(reason) + ")";
    out += fmt::format(", {} files offered, {} now", sharing.offered, show_rate(static_cast<double>(sharing.rate)));
    if (sharing.cap) out += ", at most " + show_rate(static_cast<double>(*sharing.cap));
    return out;
}

// One line for each swarm this agent is in: as many as there are lineages, whatever the number of packages.
std::string show_discovery(const watch::Discovery& discovery) {
    TextTable table{"SWARM", "SHARD", ">PEERS", ">SEEN", ">BY DHT", ">BY TRACKER", ">ON THE LAN"};
    for (const auto& one : discovery.swarms)
        table.add({shown(one.lineage), shown(one.shard.value_or("")), std::to_string(one.peers),
                   std::to_string(one.seen), std::to_string(one.announces.dht), std::to_string(one.announces.tracker),
                   std::to_string(one.announces.lan)});
    return table.empty() ? "" : "\n" + table.text();
}

std::string show_limit(const watch::Limit& limit) {
    if (limit.list) return limit.list->empty() ? "none" : words(*limit.list);
    const auto unit = limit.unit.value_or("");
    const auto in_unit = [&](watch::Count number) {
        return unit == "bytes/s" ? show_rate(static_cast<double>(number))
               : unit == "bytes" ? show_bytes(number)
                                 : std::to_string(number);
    };
    auto out = in_unit(limit.now.value_or(0));
    if (limit.most && *limit.most) out += " of " + in_unit(**limit.most);
    if (limit.least) out += ", at least " + in_unit(*limit.least);
    return out;
}

std::string show_limits(const watch::Status& status) {
    TextTable table{"LIMIT", "NOW", "STATE", "WHY"};
    for (const auto& one : status.limits)
        table.add({shown(one.name), show_limit(one), shown(one.state), shown(one.why)});
    return table.empty() ? "" : table.text() + "\n";
}

std::string show_sent(const watch::Status& status) {
    auto out = show_bytes(status.bytes.sent);
    const auto& month = status.sharing.month;
    if (!month) return out;
    out += "; this month " + show_bytes(month->sent);
    if (month->quota) out += " of " + show_bytes(*month->quota);
    return out + fmt::format(", and {} to neighbours", show_bytes(month->neighbours));
}

std::string show_store(const watch::Store& store) {
    auto out = fmt::format("store     {} files, {} of {}, {} free on disk, {}\n", store.files, show_bytes(store.bytes),
                           show_bytes(store.quota), show_bytes(store.free), shown(store.path));
    if (store.inodes_free.value_or(0) < store.inodes_kept.value_or(0))
        out += fmt::format("          only {} inodes are free there, and {} stay free\n", store.inodes_free.value_or(0),
                           *store.inodes_kept);
    if (store.unproven > 0)
        out += fmt::format("          {} of the files were not hashed since the agent's start; {}\n", store.unproven,
                           store.scrub > 0 ? "they are, " + show_bytes(store.scrub) + " a second"
                                           : "they are when somebody asks for them");
    if (store.rotten > 0)
        out += fmt::format("          {} rotten files were dropped since the agent's start; its log names each\n",
                           store.rotten);
    return out;
}

std::string show_head(const watch::Status& status) {
    const auto& requests = status.requests;
    const auto& moved = status.bytes;
    auto out = fmt::format("packswarmd {}, pid {}, up {}\n", shown(status.version), status.pid,
                           show_seconds(static_cast<double>(status.uptime_s)));
    out += fmt::format("requests  {} open, {} done, {} failed\n", requests.open, requests.done, requests.failed);
    if (status.mishaps > 0)
        out +=
            fmt::format("mishaps   {} requests ended by a fault of the agent's; its log names each\n", status.mishaps);
    out += fmt::format("received  {} from mirrors, {} from peers, {} from the store; ", show_bytes(moved.mirror),
                       show_bytes(moved.peer), show_bytes(moved.cache));
    out += fmt::format("of {} that came {} were needed, {} came twice or for nothing\n", show_bytes(moved.received),
                       show_bytes(moved.needed), show_bytes(moved.wasted));
    return out + fmt::format("sent      {}\n", show_sent(status));
}

}  // namespace

std::string show_status(const watch::Status& status) {
    auto out = status.sentence.empty() ? std::string() : printable(status.sentence, 600) + "\n";
    out += show_head(status) + show_store(status.store);
    out += "sharing   " + show_sharing(status.sharing) + "\n";
    out += fmt::format("listening {} for package managers, {} for peers\n",
                       shown(status.gateway.value_or(""), "nowhere"), shown(status.swarm.value_or(""), "nowhere"));
    out += fmt::format("sources   {} peers, {} of {} mirrors usable\n", status.peers, status.mirrors.usable,
                       status.mirrors.total);
    if (const auto& own = status.own_indexes)
        out += fmt::format("lists     {} of {} from mirrors and {} from peers today, for the agent itself\n",
                           show_bytes(own->mirror), show_bytes(own->most), show_bytes(own->peer));
    out += "\n" + show_limits(status) + show_repositories(status);
    return out + show_discovery(status.discovery.value_or(watch::Discovery{})) + show_transfers_under_way(status);
}

}  // namespace packswarm::cli
