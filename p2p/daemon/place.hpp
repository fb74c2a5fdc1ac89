// Place: the way to one value inside a configuration, found at compile time from pointers to members, so that an option
// can lie in the options struct of any room. Values leave and enter in four shapes. Not here: names and prose
// (option.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "p2p/base/ip_network.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::daemon {

using Value = std::variant<std::string, bool, std::vector<std::string>, std::int64_t>;

enum class Type { text, truth, list, number, size };  // size: bytes, written with or without a unit

struct Range {  // of numbers and sizes
    std::int64_t least = 0, most = std::numeric_limits<std::int64_t>::max();
};

template <class Owner>
struct Place {
    Type type;
    Value (*read)(const Owner&);
    Result<void> (*write)(Owner&, Value);  // value: of the type, and in range. Refused: it means nothing
    Range range{};
};

namespace shapes {

inline Value to_value(const std::string& text) { return text; }
inline Value to_value(const std::filesystem::path& path) { return path.string(); }
inline Value to_value(bool truth) { return truth; }
inline Value to_value(const std::optional<bool>& truth) { return truth.value_or(false); }
inline Value to_value(const std::vector<std::string>& list) { return list; }
inline Value to_value(std::int64_t number) { return number; }
inline Value to_value(int number) { return std::int64_t{number}; }
inline Value to_value(std::size_t number) { return static_cast<std::int64_t>(number); }
template <class Rep, class Period>
Value to_value(std::chrono::duration<Rep, Period> time) {
    return std::int64_t{time.count()};
}
inline Value to_value(const std::vector<IpNetwork>& networks) {
    std::vector<std::string> texts;
    for (const auto& network : networks) texts.push_back(network.text());
    return texts;
}

template <class T>
constexpr Type type_of() {
    using Shape = decltype(to_value(std::declval<const T&>()));
    static_assert(std::is_same_v<Shape, Value>);
    if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::filesystem::path>)
        return Type::text;
    else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::optional<bool>>)
        return Type::truth;
    else if constexpr (std::is_same_v<T, std::vector<std::string>> || std::is_same_v<T, std::vector<IpNetwork>>)
        return Type::list;
    else
        return Type::number;
}

template <class T>
Result<void> from_value(Value value, T& out) {
    if constexpr (type_of<T>() == Type::text)
        out = std::get<std::string>(std::move(value));
    else if constexpr (type_of<T>() == Type::truth)
        out = std::get<bool>(value);
    else if constexpr (type_of<T>() == Type::list)
        out = std::get<std::vector<std::string>>(std::move(value));
    else
        out = static_cast<T>(std::get<std::int64_t>(value));
    return {};
}

inline Result<void> from_value(Value value, std::vector<IpNetwork>& out) {
    std::vector<IpNetwork> networks;
    for (const auto& text : std::get<std::vector<std::string>>(value)) {
        auto network = IpNetwork::parse(text);
        if (!network) return tl::unexpected(network.error());
        networks.push_back(std::move(*network));
    }
    out = std::move(networks);
    return {};
}

template <class Owner, class T>
Owner owner_of(T Owner::*);

template <auto first, auto... rest, class From>
auto& follow(From& from) {
    return ((from.*first).*....*rest);
}

template <auto first, auto... rest>
struct Path {
    using Owner = decltype(owner_of(first));
    using Member = std::remove_cvref_t<decltype(follow<first, rest...>(std::declval<Owner&>()))>;
    static Value read(const Owner& from) { return to_value(follow<first, rest...>(from)); }
    static Result<void> write(Owner& to, Value value) {
        return from_value(std::move(value), follow<first, rest...>(to));
    }
};

}  // namespace shapes

// at<&Config::swarm, &swarm::SwarmSettings::trackers>(): that member; of a number, with its range.
template <auto... members>
constexpr auto at(Range range = {}) {
    using Path = shapes::Path<members...>;
    return Place<typename Path::Owner>{shapes::type_of<typename Path::Member>(), &Path::read, &Path::write, range};
}

template <auto... members>
constexpr auto size_at(ByteCount least) {
    auto place = at<members...>(Range{least});
    place.type = Type::size;
    return place;
}

}  // namespace packswarm::daemon
