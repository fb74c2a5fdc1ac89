#include <nlohmann/json.hpp>
#include <vector>

#include "p2p/base/log.hpp"
#include "p2p/cli/answers.hpp"
#include "p2p/cli/text_table.hpp"

namespace packswarm::cli {
namespace {

using Json = nlohmann::json;

const Json& member(const Json& object, const char* name) {
    static const Json nothing;
    const auto found = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && found != object.end() ? *found : nothing;
}

const Json& list(const Json& object, const char* name) {
    static const Json nothing = Json::array();
    const Json& value = member(object, name);
    return value.is_array() ? value : nothing;
}

std::string text(const Json& object, const char* name, const char* otherwise = "-") {
    const Json& value = member(object, name);
    if (value.is_string() && !value.get_ref<const std::string&>().empty()) return printable(value.get<std::string>());
    return value.is_number() ? value.dump() : otherwise;
}

double number(const Json& object, const char* name) {
    const Json& value = member(object, name);
    return value.is_number() ? value.get<double>() : 0;
}

ByteCount bytes(const Json& object, const char* name) {
    const Json& value = member(object, name);
    return value.is_number_integer() ? value.get<ByteCount>() : 0;
}

bool flag(const Json& object, const char* name) {
    const Json& value = member(object, name);
    return value.is_boolean() && value.get<bool>();
}

std::string size(const Json& object, const char* name) { return show_bytes(bytes(object, name)); }
std::string time(const Json& object, const char* name) {
    return member(object, name).is_number() ? show_time(bytes(object, name)) : "-";
}

std::string words(const Json& object, const char* name) {
    std::string out;
    for (const auto& word : list(object, name))
        if (word.is_string()) out += (out.empty() ? "" : " ") + printable(word.get<std::string>());
    return out.empty() ? "-" : out;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string sources(const Json& object) {
    std::string out;
    for (const auto& source : list(object, "sources")) {
        const auto place = text(source, "source", "");
        out += (out.empty() ? "" : ", ") + size(source, "bytes") + " " + text(source, "kind") +
               (place.empty() ? "" : " " + place);
    }
    return out.empty() ? "-" : out;
}

// Entries of its indexes that nobody may use: the others are not hidden by them.
std::string show_left_out(const Json& repository) {
    const Json& left_out = member(repository, "left_out");
    if (!left_out.is_object()) return {};
    auto out = fmt::format("{}: left out of its indexes: {}\n", text(repository, "id"), text(left_out, "count"));
    for (const auto& one : list(left_out, "named"))
        if (one.is_string()) out += "  - " + printable(one.get<std::string>(), 600) + "\n";
    return out;
}

std::string show_repositories(const Json& answer) {
    TextTable table{"REPOSITORY", "STATE", "INDEX OF", ">PACKAGES", "SHARED", "MIRRORS"};
    std::string notes;
    for (const auto& one : list(answer, "repositories")) {
        const auto entries = member(one, "entries").is_number() ? text(one, "entries") : "-";
        table.add({text(one, "id"), text(one, "state"), time(one, "date"), entries,
                   text(one, "sharing") == "allowed" ? "yes" : "no", std::to_string(list(one, "bases").size())});
        if (const auto message = text(one, "message", ""); !message.empty())
            notes += text(one, "id") + ": " + message + "\n";
        notes += show_left_out(one);
    }
    const auto hidden = number(answer, "hidden_repositories");
    if (hidden > 0) notes += fmt::format("{} private ones are shown to root and the agent's own user only\n", hidden);
    if (table.empty() && hidden == 0) return "no repositories are known; see packswarm.toml(5)\n";
    return (table.empty() ? "" : table.text()) + notes;
}

std::string show_transfers_under_way(const Json& answer) {
    TextTable table{"UNDER WAY", "FOR", ">HERE", ">OF", ">SINCE", "FROM"};
    for (const auto& one : list(answer, "transfers"))
        table.add({base_name(text(one, "name")), text(one, "asker"), size(one, "received"), size(one, "size"),
                   show_seconds(number(one, "seconds")), sources(one)});
    return table.empty() ? "" : "\n" + table.text();
}

std::string show_sharing(const Json& sharing) {
    auto out = text(sharing, "state");
    if (const auto reason = text(sharing, "reason", ""); !reason.empty()) out += " (" + reason + ")";
    out += fmt::format(", {} files offered, {} now", text(sharing, "offered"), show_rate(number(sharing, "rate")));
    if (member(sharing, "cap").is_number()) out += ", at most " + show_rate(number(sharing, "cap"));
    return out;
}

// One line for each swarm this agent is in: as many as there are lineages, whatever the number of packages.
std::string show_discovery(const Json& discovery) {
    TextTable table{"SWARM", "SHARD", ">PEERS", ">SEEN", ">BY DHT", ">BY TRACKER", ">ON THE LAN"};
    for (const auto& one : list(discovery, "swarms")) {
        const Json& sent = member(one, "announces");
        table.add({text(one, "lineage"), text(one, "shard"), text(one, "peers"), text(one, "seen"), text(sent, "dht"), text(sent, "tracker"),
                   text(sent, "lan")});
    }
    return table.empty() ? "" : "\n" + table.text();
}

std::string show_limit(const Json& one) {
    const auto unit = text(one, "unit", "");
    const auto shown = [&](const char* name) {
        return unit == "bytes/s" ? show_rate(number(one, name)) : unit == "bytes" ? size(one, name) : text(one, name);
    };
    if (member(one, "list").is_array()) return list(one, "list").empty() ? "none" : words(one, "list");
    auto out = shown("now");
    if (member(one, "most").is_number()) out += " of " + shown("most");
    if (member(one, "least").is_number()) out += ", at least " + shown("least");
    return out;
}

std::string show_limits(const Json& answer) {
    TextTable table{"LIMIT", "NOW", "STATE", "WHY"};
    for (const auto& one : list(answer, "limits")) table.add({text(one, "name"), show_limit(one), text(one, "state"), text(one, "why")});
    return table.empty() ? "" : table.text() + "\n";
}

std::string show_sent(const Json& answer) {
    const Json& month = member(member(answer, "sharing"), "month");
    auto out = size(member(answer, "bytes"), "sent");
    if (!month.is_object()) return out;
    out += fmt::format("; this month {}", size(month, "sent"));
    if (member(month, "quota").is_number()) out += " of " + size(month, "quota");
    return out + fmt::format(", and {} to neighbours", size(month, "neighbours"));
}

std::string show_status(const Json& answer) {
    const Json &moved = member(answer, "bytes"), &store = member(answer, "store"),
               &requests = member(answer, "requests");
    std::string out = fmt::format("packswarmd {}, pid {}, up {}\n", text(answer, "version"), text(answer, "pid"),
                                  show_seconds(number(answer, "uptime_s")));
    out += fmt::format("requests  {} open, {} done, {} failed\n", text(requests, "open"), text(requests, "done"),
                       text(requests, "failed"));
    if (number(answer, "mishaps") > 0)
        out += fmt::format("mishaps   {} requests ended by a fault of the agent's; its log names each\n",
                           text(answer, "mishaps"));
    out += fmt::format("received  {} from mirrors, {} from peers, {} from the store; ", size(moved, "mirror"),
                       size(moved, "peer"), size(moved, "cache"));
    out += fmt::format("of {} that came {} were needed, {} came twice or for nothing\n", size(moved, "received"),
                       size(moved, "needed"), size(moved, "wasted"));
    out += fmt::format("sent      {}\n", show_sent(answer));
    out += fmt::format("store     {} files, {} of {}, {} free on disk, {}\n", text(store, "files"),
                       size(store, "bytes"), size(store, "quota"), size(store, "free"), text(store, "path"));
    if (number(store, "inodes_free") < number(store, "inodes_kept"))
        out += fmt::format("          only {} inodes are free there, and {} stay free\n", text(store, "inodes_free"),
                           text(store, "inodes_kept"));
    if (number(store, "unproven") > 0)
        out += fmt::format("          {} of the files were not hashed since the agent's start; {}\n",
                           text(store, "unproven"),
                           number(store, "scrub") > 0 ? "they are, " + size(store, "scrub") + " a second"
                                                      : "they are when somebody asks for them");
    if (number(store, "rotten") > 0)
        out += fmt::format("          {} rotten files were dropped since the agent's start; its log names each\n",
                           text(store, "rotten"));
    out += "sharing   " + show_sharing(member(answer, "sharing")) + "\n";
    out += fmt::format("listening {} for package managers, {} for peers\n", text(answer, "gateway", "nowhere"),
                       text(answer, "swarm", "nowhere"));
    out += fmt::format("sources   {} peers, {} of {} mirrors usable\n", text(answer, "peers"),
                       text(member(answer, "mirrors"), "usable"), text(member(answer, "mirrors"), "total"));
    if (const Json& own = member(answer, "own_indexes"); own.is_object())
        out += fmt::format("lists     {} of {} from mirrors and {} from peers today, for the agent itself\n",
                           size(own, "mirror"), size(own, "most"), size(own, "peer"));
    out += "\n";
    return out + show_limits(answer) + show_repositories(answer) + show_discovery(member(answer, "discovery")) + show_transfers_under_way(answer);
}

std::string show_entry(const Json& entry) {
    std::string marks = flag(entry, "stored") ? "stored" : "not stored";
    if (flag(entry, "offered")) marks += ", offered to peers";
    if (flag(entry, "private")) marks += ", private";
    auto title = text(entry, "name", "");
    if (title.empty()) title = base_name(text(entry, "path"));
    return fmt::format("{} {} {}\n  {}\n  {}, sha256 {}\n  listed by {}; {}\n", title, text(entry, "version", ""),
                       text(entry, "architecture", ""), text(entry, "path"), size(entry, "size"), text(entry, "sha256"),
                       text(entry, "repository"), marks);
}

std::string show_transfer(const Json& transfer) {
    const auto seconds = number(transfer, "seconds");
    auto out =
        fmt::format("{}  {} for {}: {}, {} in {}\n", time(transfer, "started"), base_name(text(transfer, "name")),
                    text(transfer, "asker"), text(transfer, "outcome"), size(transfer, "size"), show_seconds(seconds));
    for (const auto& source : list(transfer, "sources")) {
        const auto wasted = bytes(source, "wasted");
        out +=
            fmt::format("  {:>10}  {:<6} {}{}\n", size(source, "bytes"), text(source, "kind"),
                        text(source, "source", ""), wasted > 0 ? ", " + show_bytes(wasted) + " of it thrown away" : "");
    }
    for (const auto& reason : list(transfer, "reasons"))
        if (reason.is_string()) out += "  - " + printable(reason.get<std::string>()) + "\n";
    return out;
}

std::string show_explain(const Json& answer) {
    std::string out;
    for (const auto& entry : list(answer, "entries")) out += show_entry(entry);
    if (out.empty()) out = "no index that the agent has verified lists " + text(answer, "query") + "\n";
    out += "\n";
    for (const auto& one : list(answer, "apt"))
        out += fmt::format("apt takes {} of {} by itself: {}\n", text(one, "what"), text(one, "base"), text(one, "reason"));
    if (list(answer, "transfers").empty()) return out + "it has not been asked for\n";
    for (const auto& transfer : list(answer, "transfers")) out += show_transfer(transfer);
    return out;
}

std::string show_mirrors(const Json& answer) {
    TextTable table{"MIRROR", "STATE", ">FIRST BYTE", ">RATE", ">GOOD", ">ABSENT", ">WRONG", ">ERRORS", "RANGES"};
    for (const auto& one : list(answer, "mirrors")) {
        const bool waits = member(one, "back_in_s").is_number();
        const auto state = flag(one, "usable") ? std::string("usable")
                           : waits             ? "back in " + show_seconds(number(one, "back_in_s"))
                                               : std::string("set back");
        const auto rate = number(one, "rate") > 0 ? show_rate(number(one, "rate")) : std::string("-");
        table.add({text(one, "base"), state, show_seconds(number(one, "first_byte_s")), rate, text(one, "good"),
                   text(one, "absent"), text(one, "corrupt"), text(one, "errors"), flag(one, "ranges") ? "yes" : "no"});
    }
    return table.empty() ? "no mirrors are known\n" : table.text();
}

std::string show_peers(const Json& answer) {
    TextTable table{"PEER", "WHERE", "PROGRAM", ">RECEIVED", ">SENT", "REPOSITORIES"};
    for (const auto& one : list(answer, "peers"))
        table.add({text(one, "endpoint"), text(one, "reach"), text(one, "agent"), size(one, "received"),
                   size(one, "sent"), words(one, "lineages")});
    const auto head = fmt::format("listening at {}, looking for peers by: {}\n", text(answer, "listen", "nowhere"),
                                  words(answer, "discovery"));
    return head + (table.empty() ? "no peer is connected\n" : table.text());
}

std::string show_refresh(const Json& answer) {
    TextTable table{"REPOSITORY", "STATE", "INDEX OF", ""};
    for (const auto& one : list(answer, "repositories"))
        table.add({text(one, "id"), text(one, "state"), time(one, "date"), text(one, "message", "")});
    return table.empty() ? "no repositories are known\n" : table.text();
}

std::string show_doctor(const Json& answer) {
    TextTable table{"", "CHECK", ""};
    for (const auto& one : list(answer, "checks"))
        table.add({text(one, "state"), text(one, "name"), text(one, "message", "")});
    if (table.empty()) return "nothing was checked\n";
    std::string out = table.text();
    out.erase(0, out.find('\n') + 1);  // a list, not a table with headings
    for (const auto& one : list(answer, "checks")) {
        const auto remedy = text(one, "remedy", "");
        if (text(one, "state") != "ok" && !remedy.empty()) out += text(one, "name") + ": " + remedy + "\n";
    }
    return out;
}

}  // namespace

std::string show_answer(std::string_view op, const std::string& json) {
    const Json answer = Json::parse(json, nullptr, false);
    if (!answer.is_object()) return "the agent's answer cannot be read\n";
    if (op == "status") return show_status(answer);
    if (op == "explain") return show_explain(answer);
    if (op == "mirrors") return show_mirrors(answer);
    if (op == "peers") return show_peers(answer);
    if (op == "refresh") return show_refresh(answer);
    if (op == "doctor") return show_doctor(answer);
    return indented(json);
}

std::string indented(const std::string& json) {
    const Json answer = Json::parse(json, nullptr, false);
    return (answer.is_discarded() ? json : answer.dump(2, ' ', true, Json::error_handler_t::replace)) + "\n";
}

DoctorSummary count_checks(const std::string& json) {
    const Json answer = Json::parse(json, nullptr, false);
    DoctorSummary summary;
    for (const auto& check : list(answer, "checks")) {
        summary.warnings += text(check, "state") == "warn";
        summary.failures += text(check, "state") == "fail";
    }
    return summary;
}

std::string with_checks(const std::string& doctor_json, const std::vector<Check>& local) {
    const Json answer = Json::parse(doctor_json, nullptr, false);
    Json checks = Json::array();
    for (const auto& check : local) {
        Json one{{"name", check.name}, {"state", check.state}, {"message", check.message}};
        if (!check.remedy.empty()) one["remedy"] = check.remedy;
        checks.push_back(std::move(one));
    }
    for (const auto& check : list(answer, "checks")) checks.push_back(check);
    return Json{{"checks", std::move(checks)}}.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string with_apt(const std::string& explain_json, const std::vector<TakenByApt>& taken) {
    Json answer = Json::parse(explain_json, nullptr, false);
    if (!answer.is_object() || taken.empty()) return explain_json;
    answer["apt"] = Json::array();
    for (const auto& one : taken) answer["apt"].push_back({{"base", one.base}, {"what", one.what}, {"reason", one.reason}});
    return answer.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace packswarm::cli
