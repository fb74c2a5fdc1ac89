#include <nlohmann/json.hpp>
#include <vector>

#include "p2p/base/log.hpp"
#include "p2p/cli/answers.hpp"
#include "p2p/cli/status_text.hpp"
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
    for (const auto& one : list(answer, "repositories"))
        if (text(one, "state") != "live")
            out += fmt::format("{}: {}: {}\n", text(one, "id"), text(one, "state"), text(one, "sentence"));
    out += "\n";
    for (const auto& one : list(answer, "apt"))
        out += fmt::format("apt takes {} of {} by itself: {}\n", text(one, "what"), text(one, "base"),
                           text(one, "reason"));
    if (list(answer, "transfers").empty()) return out + "it has not been asked for\n";
    for (const auto& transfer : list(answer, "transfers")) out += show_transfer(transfer);
    return out;
}

std::string show_accept(const Json& answer) {
    std::string out;
    for (const auto& id : list(answer, "repositories"))
        out += fmt::format("{}: an {} index counts until {}, or until the agent ends\n",
                           id.is_string() ? printable(id.get<std::string>()) : "-", text(answer, "leave"),
                           show_time(static_cast<std::int64_t>(number(answer, "until"))));
    if (text(answer, "leave") == "expired")
        out += "apt itself refuses an expired index unless its option Acquire::Check-Valid-Until is false\n";
    return out + "run the package manager's update now\n";
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
    auto head = fmt::format("listening at {}, looking for peers by: {}\n", text(answer, "listen", "nowhere"),
                            words(answer, "discovery"));
    for (const auto* line : {"scope", "reach"})
        if (const auto said = text(answer, line, ""); !said.empty()) head += said + "\n";
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

std::string show_prefetch(const Json& answer) {
    const auto &wanted = member(answer, "wanted"), &here = member(answer, "here"), &limit = member(answer, "limit");
    auto out = fmt::format("prefetch  {}: {}\n", text(answer, "state"), text(answer, "doing"));
    if (limit.is_object()) out += fmt::format("limit     {}: {}\n", text(limit, "name"), text(limit, "why"));
    out += fmt::format("wanted    {} packages of an upgrade, {}\n", text(wanted, "packages"), size(wanted, "bytes"));
    out += fmt::format("here      {} of them, {}; {} fetched ahead this month\n", text(here, "packages"),
                       size(here, "bytes"), size(answer, "month"));
    if (member(answer, "next").is_number()) out += fmt::format("next      {}\n", time(answer, "next"));
    return out + fmt::format("looked    {} for new indexes by itself\n", time(answer, "refreshed"));
}

}  // namespace

std::string show_answer(std::string_view op, const std::string& json) {
    const Json answer = Json::parse(json, nullptr, false);
    if (!answer.is_object()) return "the agent's answer cannot be read\n";
    if (op == "status") return show_status(watch::status_of(answer));
    if (op == "explain") return show_explain(answer);
    if (op == "mirrors") return show_mirrors(answer);
    if (op == "peers") return show_peers(answer);
    if (op == "refresh") return show_refresh(answer);
    if (op == "accept") return show_accept(answer);
    if (op == "doctor") return show_doctor(answer);
    if (op.starts_with("prefetch")) return show_prefetch(answer);
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
    for (const auto& one : taken)
        answer["apt"].push_back({{"base", one.base}, {"what", one.what}, {"reason", one.reason}});
    return answer.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace packswarm::cli
