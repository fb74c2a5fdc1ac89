// Field: one member of a view, declared once with its name: printed to JSON, read from it, and gathered when it is a
// meter. A type is a view when Fields<T> lists its fields; views lie in each other, in optionals and in lists. Only for
// status_fields.cpp.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "p2p/watch/meter.hpp"

namespace packswarm::watch {

using Json = nlohmann::json;

template <class View>
struct Field {
    const char* name;
    std::optional<Meter> meter;
    void (*print)(const View&, const char* name, Json& object);
    void (*read)(const Json& value, View&);
    void (*gather)(const View&, const Field& field, const std::string& prefix, std::vector<Reading>& out);
};

template <class View>
struct Fields;  // static constexpr Field<View> all[]

template <class T>
struct Content {
    using Type = void;
};
template <class T>
struct Content<std::optional<T>> {
    using Type = T;
};
template <class T>
constexpr bool is_optional = !std::is_void_v<typename Content<T>::Type>;
template <class T>
constexpr bool is_list = false;
template <class T>
constexpr bool is_list<std::vector<T>> = true;

// A text, number or truth stands for itself.
template <class T>
Json print_value(const T& value) {
    if constexpr (is_optional<T>) {
        return value ? print_value(*value) : Json(nullptr);
    } else if constexpr (is_list<T>) {
        Json out = Json::array();
        for (const auto& one : value) out.push_back(print_value(one));
        return out;
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
        return value;
    } else {
        Json out = Json::object();
        for (const auto& field : Fields<T>::all) field.print(value, field.name, out);
        return out;
    }
}

template <class T>
void read_value(const Json& json, T& out) {
    if constexpr (is_optional<T>) {
        const bool null_is_a_value = is_optional<typename Content<T>::Type>;
        if (null_is_a_value || !json.is_null()) read_value(json, out.emplace());
    } else if constexpr (is_list<T>) {
        if (!json.is_array()) return;
        for (const auto& one : json) read_value(one, out.emplace_back());
    } else if constexpr (std::is_same_v<T, std::string>) {
        if (json.is_string()) out = json.get<std::string>();
    } else if constexpr (std::is_same_v<T, bool>) {
        if (json.is_boolean()) out = json.get<bool>();
    } else if constexpr (std::is_floating_point_v<T>) {
        if (json.is_number()) out = json.get<T>();
    } else if constexpr (std::is_integral_v<T>) {
        if (json.is_number_integer()) out = json.get<T>();
    } else {
        if (!json.is_object()) return;
        for (const auto& field : Fields<T>::all)
            if (const auto found = json.find(field.name); found != json.end()) field.read(*found, out);
    }
}

template <class T>
void gather_value(const T& value, const std::string& name, const std::optional<Meter>& meter,
                  std::vector<Reading>& out) {
    if constexpr (is_optional<T>) {
        if (value) gather_value(*value, name, meter, out);
    } else if constexpr (std::is_arithmetic_v<T>) {
        if (meter) out.push_back({name, *meter, static_cast<double>(value)});
    } else if constexpr (!is_list<T> && !std::is_same_v<T, std::string>) {
        for (const auto& field : Fields<T>::all) field.gather(value, field, name.empty() ? name : name + ".", out);
    }
}

enum class Unset { null, left_out };  // how an optional without a value is printed

template <auto member, Unset unset>
struct Access {
    template <class View, class T>
    static View view_of(T View::*);
    using View = decltype(view_of(member));

    static void print(const View& view, const char* name, Json& object) {
        const auto& value = view.*member;
        if constexpr (unset == Unset::null)
            object[name] = print_value(value);
        else if (value)
            object[name] = print_value(*value);
    }
    static void read(const Json& value, View& view) { read_value(value, view.*member); }
    static void gather(const View& view, const Field<View>& field, const std::string& prefix,
                       std::vector<Reading>& out) {
        gather_value(view.*member, prefix + field.name, field.meter, out);
    }
};

// meter<&Requests::open>("open", {"requests", Kind::gauge, "Requests that wait for an answer."})
template <auto member, Unset unset = Unset::null>
constexpr auto meter(const char* name, std::optional<Meter> meter) {
    using At = Access<member, unset>;
    return Field<typename At::View>{name, meter, &At::print, &At::read, &At::gather};
}

// What is no number of its own: texts, truths, times, lists and views.
template <auto member, Unset unset = Unset::null>
constexpr auto field(const char* name) {
    return meter<member, unset>(name, std::nullopt);
}

}  // namespace packswarm::watch
