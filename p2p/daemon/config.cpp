#include "p2p/daemon/config.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/daemon/option.hpp"

namespace packswarm::daemon {

namespace {

constexpr ByteCount max_config = limits::mib;

Result<Value> in_range(Result<std::int64_t> value, const Range& range, const std::string& name) {
    if (!value) return tl::unexpected(value.error());
    if (*value >= range.least && *value <= range.most) return Value(*value);
    return fail(
        ErrorKind::Refused, "{} = {} is out of range: {} to {}", name, *value, range.least,
        range.most == std::numeric_limits<std::int64_t>::max() ? std::string("any") : std::to_string(range.most));
}

Result<std::int64_t> parse_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        return fail(ErrorKind::Refused, "'{}' is not a whole number", printable(text));
    return value;
}

std::vector<std::string> split_list(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream stream(text);
    for (std::string item; std::getline(stream, item, ',');)
        if (!item.empty()) out.push_back(item);
    return out;
}

Result<Value> texts_of(const toml::node& node, const std::string& name) {
    const auto* array = node.as_array();
    if (array == nullptr) return fail(ErrorKind::Refused, "{} must be a list of texts, such as [\"...\"]", name);
    std::vector<std::string> out;
    for (const auto& item : *array) {
        const auto text = item.value<std::string>();
        if (!text || !item.is_string()) return fail(ErrorKind::Refused, "{} must hold texts only", name);
        out.push_back(*text);
    }
    return Value(std::move(out));
}

Result<Value> size_of(const toml::node& node, const Range& range, const std::string& name) {
    if (node.is_string()) return in_range(parse_size(*node.value<std::string>()), range, name);
    if (node.is_integer()) return in_range(*node.value<std::int64_t>(), range, name);
    return fail(ErrorKind::Refused, "{} must be a size such as \"10 GiB\"", name);
}

Result<Value> value_of(const toml::node& node, Type type, const Range& range, const std::string& name) {
    switch (type) {
        case Type::text:
            if (!node.is_string()) return fail(ErrorKind::Refused, "{} must be a text in quotes", name);
            return Value(*node.value<std::string>());
        case Type::truth:
            if (!node.is_boolean()) return fail(ErrorKind::Refused, "{} must be true or false", name);
            return Value(*node.value<bool>());
        case Type::list:
            return texts_of(node, name);
        case Type::size:
            return size_of(node, range, name);
        case Type::number:
            break;
    }
    if (!node.is_integer()) return fail(ErrorKind::Refused, "{} must be a whole number", name);
    return in_range(*node.value<std::int64_t>(), range, name);
}

// As the command line has it.
Result<Value> value_of(const std::string& text, Type type, const Range& range, const std::string& name) {
    switch (type) {
        case Type::text:
            return Value(text);
        case Type::truth:
            if (text != "true" && text != "false") return fail(ErrorKind::Refused, "{} must be true or false", name);
            return Value(text == "true");
        case Type::list:
            return Value(split_list(text));
        case Type::size:
            return in_range(parse_size(text), range, name);
        case Type::number:
            break;
    }
    return in_range(parse_number(text), range, name);
}

template <class Owner, class Source>
Result<void> take(Owner& owner, const Place<Owner>& place, const Source& source, const std::string& name) {
    auto value = value_of(source, place.type, place.range, name);
    if (!value) return tl::unexpected(value.error());
    if (auto taken = place.write(owner, std::move(*value)); !taken)
        return fail(ErrorKind::Refused, "{}: {}", name, taken.error().message);
    return {};
}

std::string names_of_formats() {
    std::string out;
    for (const auto format : formats::all()) out += fmt::format("{}\"{}\"", out.empty() ? "" : " or ", format->name());
    return out;
}

Result<RepositoryConfig> parse_repository(const toml::table& table) {
    RepositoryConfig out;
    for (const auto& [key, node] : table) {
        const std::string own(key.str()), name = "repository." + own;
        const auto keys = repository_keys();
        const auto known = std::find_if(keys.begin(), keys.end(), [&](const auto& one) { return own == one.name; });
        if (known == keys.end()) return fail(ErrorKind::Refused, "there is no option {}", printable(name));
        if (auto taken = take(out, known->place, node, name); !taken) return tl::unexpected(taken.error());
    }
    if (!formats::all().find(out.format))
        return fail(ErrorKind::Refused, "repository.format must be {}", names_of_formats());
    if (out.suite.empty() || out.mirrors.empty())
        return fail(ErrorKind::Refused, "a repository needs a suite and at least one mirror");
    return out;
}

Result<void> take_repositories(Config& config, const toml::node& node) {
    const auto* list = node.as_array();
    if (list == nullptr) return fail(ErrorKind::Refused, "repositories are written as [[repository]] tables");
    for (const auto& item : *list) {
        const auto* table = item.as_table();
        if (table == nullptr) return fail(ErrorKind::Refused, "repositories are written as [[repository]] tables");
        auto repository = parse_repository(*table);
        if (!repository) return tl::unexpected(repository.error());
        config.repositories.push_back(std::move(*repository));
    }
    return {};
}

Result<void> take_table(Config& config, const toml::table& table, const std::string& section) {
    for (const auto& [key, node] : table) {
        const std::string name(key.str());
        if (section.empty() && name == "repository") {
            if (auto taken = take_repositories(config, node); !taken) return taken;
            continue;
        }
        if (section.empty() && node.is_table()) {
            if (auto taken = take_table(config, *node.as_table(), name); !taken) return taken;
            continue;
        }
        const auto* option = find_option(section, name);
        if (option == nullptr)
            return fail(ErrorKind::Refused, "line {}: there is no option {}; packswarmd --print-config lists them all",
                        node.source().begin.line, printable(section.empty() ? name : section + "." + name));
        if (auto taken = take(config, option->place, node, option->full_name()); !taken)
            return fail(ErrorKind::Refused, "line {}: {}", node.source().begin.line, taken.error().message);
    }
    return {};
}

}  // namespace

Config::Config() {
    store.folder = "/var/lib/packswarm";
    control.socket = "/run/packswarm/control.sock";
    swarm.outgoing_utp = false;
    swarm.upload_limit = limits::mib;
    swarm.lan_networks.clear();
    sharing.monthly_quota = 50 * limits::gib;
    for (const auto format : formats::all()) {
        const auto names = format->public_names();
        publics.keyrings.insert(publics.keyrings.end(), names.keyrings.begin(), names.keyrings.end());
        auto& nobody_signs = publics.unsigned_repositories;
        nobody_signs.insert(nobody_signs.end(), names.repositories.begin(), names.repositories.end());
    }
}

Result<ByteCount> parse_size(std::string_view text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    auto number = parse_number(text.substr(0, digits));
    auto unit = text.substr(digits);
    while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
    ByteCount factor = 0;
    for (const auto& [name, value] : {std::pair<std::string_view, ByteCount>{"", 1},
                                      {"B", 1},
                                      {"K", limits::kib},
                                      {"KiB", limits::kib},
                                      {"M", limits::mib},
                                      {"MiB", limits::mib},
                                      {"G", limits::gib},
                                      {"GiB", limits::gib},
                                      {"TiB", 1024 * limits::gib}})
        if (unit == name) factor = value;
    if (!number || factor == 0 || *number > std::numeric_limits<ByteCount>::max() / factor)
        return fail(ErrorKind::Refused, "'{}' is not a size; write for example 512 MiB", printable(text));
    return *number * factor;
}

Result<Endpoint> parse_endpoint(const std::string& text) {
    const auto colon = text.rfind(':');
    auto port = colon == std::string::npos ? fail(ErrorKind::Refused, "no port")
                                           : parse_number(std::string_view(text).substr(colon + 1));
    if (!port || *port < 0 || *port > 65535)
        return fail(ErrorKind::Refused, "'{}' is not address:port, such as 127.0.0.1:7878", printable(text));
    std::string address = text.substr(0, colon);
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
    return Endpoint{address, static_cast<int>(*port)};
}

Result<void> set_option(Config& config, const std::string& name, const std::string& text) {
    const auto dot = name.find('.');
    const auto* option =
        dot == std::string::npos ? find_option("", name) : find_option(name.substr(0, dot), name.substr(dot + 1));
    if (option == nullptr) return fail(ErrorKind::Refused, "there is no option {}", printable(name));
    return take(config, option->place, text, name);
}

Result<Config> parse_config(std::string_view text, const std::string& file_name) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed)
        return fail(ErrorKind::Refused, "{}, line {}: {}", file_name, parsed.error().source().begin.line,
                    printable(parsed.error().description()));
    Config config;
    if (auto taken = take_table(config, parsed.table(), ""); !taken)
        return fail(ErrorKind::Refused, "{}: {}", file_name, taken.error().message);
    return config;
}

Result<Config> load_config(const std::string& path) {
    const auto text = read_text(path, max_config);
    if (!text) return tl::unexpected(text.error());
    return parse_config(*text, path);
}

}  // namespace packswarm::daemon
