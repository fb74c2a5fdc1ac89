#include "p2p/control/protocol.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::control {

namespace {

using Json = nlohmann::json;

struct Operation {
    std::string_view name;
    bool for_owner;
};
constexpr std::array<Operation, 16> operations{{
    {"status", false},
    {"explain", false},
    {"mirrors", false},
    {"peers", false},
    {"doctor", false},
    {"share", true},
    {"import", true},
    {"refresh", true},
    {"accept", true},
    {"prefetch", false},
    {"prefetch-now", true},
    {"prefetch-on", true},
    {"prefetch-off", true},
    {"bundle", true},
    {"stored", true},
    {"import_root", true},
}};

constexpr std::array<std::string_view, 6> event_names{"start", "progress", "done", "not_modified", "failed", "answer"};
constexpr std::array<ErrorKind, 5> error_kinds{ErrorKind::Absent, ErrorKind::Transient, ErrorKind::Corrupt,
                                               ErrorKind::Refused, ErrorKind::Broken};
constexpr std::size_t max_sources = 256;
constexpr std::size_t max_folder = 4096;  // PATH_MAX
constexpr std::int64_t max_limit = 1'000'000, max_seconds = 366 * 86'400;
constexpr std::size_t max_leave = 16;

// Depth is checked on the text: the parser itself would follow a megabyte of brackets.
bool nests_too_deep(std::string_view line) {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quoted) {
            if (c == '\\') ++i;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > limits::max_json_nesting) return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return false;
}

Result<Json> parse_object(std::string_view line) {
    if (line.size() > limits::max_control_line)
        return fail(ErrorKind::Refused, "a line longer than {} bytes", limits::max_control_line);
    if (nests_too_deep(line)) return fail(ErrorKind::Refused, "a line nested too deeply");
    Json object = Json::parse(line, nullptr, false);
    if (!object.is_object()) return fail(ErrorKind::Refused, "a line that is not a JSON object");
    return object;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Reads members of one object; the first wrong one is remembered, so that a caller reads all and asks once.
class Members {
  public:
    explicit Members(const Json& object) : object_(object) {}

    std::string text(const char* name, std::size_t max_length) {
        const Json* value = find(name, &Json::is_string);
        if (!value) return {};
        auto out = value->get<std::string>();
        if (out.size() <= max_length) return out;
        complain(name);
        return {};
    }
    std::uint64_t id() {
        const Json* value = find("id", &Json::is_number_unsigned);
        return value ? value->get<std::uint64_t>() : 0;
    }
    std::optional<std::int64_t> number(const char* name, std::int64_t max) {
        const Json* value = find(name, &Json::is_number_integer);
        if (!value) return std::nullopt;
        const bool fits =
            !value->is_number_unsigned() || value->get<std::uint64_t>() <= static_cast<std::uint64_t>(max);
        const auto out = value->get<std::int64_t>();
        if (fits && out >= 0 && out <= max) return out;
        complain(name);
        return std::nullopt;
    }
    ByteCount bytes(const char* name) { return number(name, limits::max_artifact).value_or(0); }
    std::optional<WallTime> time(const char* name) {
        const auto seconds = number(name, std::int64_t{1} << 40);
        return seconds ? std::optional(WallTime(Seconds(*seconds))) : std::nullopt;
    }
    std::optional<Digest> digest(const char* name) {
        const Json* value = find(name, &Json::is_string);
        if (!value) return std::nullopt;
        auto out = Digest::parse(value->get_ref<const std::string&>());
        if (!out) complain(name);
        return out;
    }
    bool flag(const char* name) {
        const Json* value = find(name, &Json::is_boolean);
        return value && value->get<bool>();
    }
    void require(const char* name) {
        if (!object_.contains(name)) complain(name);
    }
    std::uint64_t required_id() {  // 0 means the connection itself
        const auto out = id();
        if (out == 0) complain("id");
        return out;
    }
    const std::string& wrong() const { return wrong_; }
    tl::unexpected<Error> refusal() const {
        return fail(ErrorKind::Refused, "a line whose \"{}\" is missing or wrong", wrong_);
    }

  private:
    using Check = bool (Json::*)() const noexcept;
    const Json* find(const char* name, Check check) {
        const auto it = object_.find(name);
        if (it == object_.end()) return nullptr;
        if (((*it).*check)()) return &*it;
        complain(name);
        return nullptr;
    }
    void complain(const char* name) {
        if (wrong_.empty()) wrong_ = name;
    }
    const Json& object_;
    std::string wrong_;
};

Result<Command> read_get(Members members) {
    Get get;
    get.stored = members.flag("stored");
    members.require(get.stored ? "sha256" : "url");
    get.id = members.required_id();
    get.url = members.text("url", limits::max_url);
    get.digest = members.digest("sha256");
    get.size = members.number("size", limits::max_artifact);
    get.max_size = members.bytes("max_size");
    get.since = members.time("since");
    get.lists = members.text("lists", max_folder);
    if (!members.wrong().empty()) return members.refusal();
    return get;
}

Result<Command> read_query(Members members, const std::string& op) {
    Query query;
    query.id = members.required_id();
    query.op = op;
    query.args.package = members.text("package", max_folder);
    query.args.limit = members.number("limit", max_limit);
    query.args.path = members.text("path", max_folder);
    query.args.digest = members.digest("sha256");
    query.args.repository = members.text("repository", max_folder);
    query.args.leave = members.text("leave", max_leave);
    query.args.seconds = members.number("seconds", max_seconds);
    query.args.manifest = members.text("manifest", limits::max_carried_section);
    query.with_file = members.flag("fd");
    if (!members.wrong().empty()) return members.refusal();
    return query;
}

Json to_json(const Hello& hello) { return {{"op", "hello"}, {"asker", hello.asker}, {"version", hello.version}}; }

Json to_json(const Get& get) {
    Json out{{"op", "get"}, {"id", get.id}};
    if (!get.url.empty() || !get.stored) out["url"] = get.url;
    if (get.stored) out["stored"] = true;
    if (get.digest) out["sha256"] = get.digest->hex();
    if (get.size) out["size"] = *get.size;
    if (get.max_size > 0) out["max_size"] = get.max_size;
    if (get.since) out["since"] = get.since->time_since_epoch().count();
    if (!get.lists.empty()) out["lists"] = get.lists;
    return out;
}

Json to_json(const Cancel& cancel) { return {{"op", "cancel"}, {"id", cancel.id}}; }

Json to_json(const Query& query) {
    const auto& [package, limit, path, digest, repository, leave, seconds, manifest] = query.args;
    Json out{{"op", query.op}, {"id", query.id}};
    if (!package.empty()) out["package"] = package;
    if (limit) out["limit"] = *limit;
    if (!path.empty()) out["path"] = path;
    if (digest) out["sha256"] = digest->hex();
    if (!repository.empty()) out["repository"] = repository;
    if (!leave.empty()) out["leave"] = leave;
    if (seconds) out["seconds"] = *seconds;
    if (!manifest.empty()) out["manifest"] = manifest;
    if (query.with_file) out["fd"] = true;
    return out;
}

Json sources_to_json(const std::vector<Source>& sources) {
    Json out = Json::array();
    for (const auto& source : sources) {
        if (out.size() == max_sources) break;
        out.push_back({{"kind", source.kind}, {"source", source.source}, {"bytes", source.bytes}});
    }
    return out;
}

void add_file_facts(Json& out, const Event& event) {
    out["size"] = event.size;
    if (event.modified) out["modified"] = event.modified->time_since_epoch().count();
    if (event.with_file || event.file.open()) out["fd"] = true;
}

void add_details(Json& out, const Event& event) {
    switch (event.kind) {
        case EventKind::start:
            add_file_facts(out, event);
            return;
        case EventKind::progress:
            out["received"] = event.received;
            out["prefix"] = event.prefix;
            out["safe"] = event.safe;
            if (event.modified) out["modified"] = event.modified->time_since_epoch().count();
            return;
        case EventKind::done:
            add_file_facts(out, event);
            if (event.digest) out["sha256"] = event.digest->hex();
            out["sources"] = sources_to_json(event.sources);
            return;
        case EventKind::not_modified:
            return;
        case EventKind::failed:
            out["kind"] = to_string(event.error.kind);
            out["message"] = event.error.message;
            if (event.error.retry_after) out["retry_after"] = event.error.retry_after->count();
            return;
        case EventKind::answer: {
            Json result = Json::parse(event.result, nullptr, false);
            out["result"] = result.is_discarded() ? Json() : std::move(result);
            return;
        }
    }
}

Result<std::vector<Source>> read_sources(const Json& object) {
    std::vector<Source> out;
    const auto it = object.find("sources");
    if (it == object.end()) return out;
    if (!it->is_array() || it->size() > max_sources)
        return fail(ErrorKind::Refused, "a line whose \"sources\" is wrong");
    for (const auto& item : *it) {
        if (!item.is_object()) return fail(ErrorKind::Refused, "a line whose \"sources\" is wrong");
        Members members(item);
        Source source{members.text("kind", 16), members.text("source", limits::max_url), members.bytes("bytes")};
        if (!members.wrong().empty()) return members.refusal();
        out.push_back(std::move(source));
    }
    return out;
}

ErrorKind kind_named(std::string_view name) {
    const auto it =
        std::find_if(error_kinds.begin(), error_kinds.end(), [&](ErrorKind kind) { return to_string(kind) == name; });
    return it == error_kinds.end() ? ErrorKind::Broken : *it;
}

}  // namespace

bool is_query(std::string_view op) {
    return std::any_of(operations.begin(), operations.end(), [&](const Operation& known) { return known.name == op; });
}

bool is_for_owner(std::string_view op) {
    return std::any_of(operations.begin(), operations.end(),
                       [&](const Operation& known) { return known.name == op && known.for_owner; });
}

std::string to_line(const Command& command) {
    return std::visit([](const auto& one) { return dump(to_json(one)); }, command) + '\n';
}

Result<Command> parse_command(std::string_view line) {
    auto object = parse_object(line);
    if (!object) return tl::unexpected(object.error());
    Members members(*object);
    const std::string op = members.text("op", 32);
    if (op == "get") return read_get(members);
    if (op == "cancel") {
        Cancel cancel{members.required_id()};
        if (!members.wrong().empty()) return members.refusal();
        return cancel;
    }
    if (op == "hello") {
        Hello hello{members.text("asker", 16), static_cast<int>(members.number("version", 1'000'000).value_or(0))};
        if (!members.wrong().empty()) return members.refusal();
        return hello;
    }
    if (is_query(op)) return read_query(members, op);
    return fail(ErrorKind::Refused, "an unknown operation \"{}\"", printable(op, 32));
}

std::string to_line(const Event& event) {
    Json out{{"event", event_names[static_cast<std::size_t>(event.kind)]}};
    if (event.id != 0) out["id"] = event.id;
    add_details(out, event);
    return dump(out) + '\n';
}

Result<Event> parse_event(std::string_view line) {
    auto object = parse_object(line);
    if (!object) return tl::unexpected(object.error());
    Members members(*object);
    Event event;
    const std::string name = members.text("event", 32);
    const auto known = std::find(event_names.begin(), event_names.end(), name);
    if (known == event_names.end()) return fail(ErrorKind::Refused, "an unknown event \"{}\"", printable(name, 32));
    event.kind = static_cast<EventKind>(known - event_names.begin());
    event.id = members.id();
    event.size = members.bytes("size");
    event.modified = members.time("modified");
    event.received = members.bytes("received");
    event.prefix = members.bytes("prefix");
    event.safe = members.bytes("safe");
    event.digest = members.digest("sha256");
    event.with_file = members.flag("fd");
    // What the message quotes came from strangers in part, and readers print it or pass it on in line protocols.
    event.error = {kind_named(members.text("kind", 32)),
                   printable(members.text("message", limits::max_control_line), 1000)};
    if (object->contains("retry_after")) event.error.retry_after = Seconds(members.bytes("retry_after"));
    auto sources = read_sources(*object);
    if (!sources) return tl::unexpected(sources.error());
    event.sources = std::move(*sources);
    if (event.kind == EventKind::answer) event.result = dump(object->value("result", Json()));
    if (!members.wrong().empty()) return members.refusal();
    return event;
}

}  // namespace packswarm::control
