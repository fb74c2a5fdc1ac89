#include "hooks/apt/config.hpp"

#include "p2p/base/text.hpp"
#include "p2p/core/apt_text.hpp"

namespace packswarm::hooks {

using core::apt_bool;
using core::percent_decoded;

namespace {

bool is_anchored(std::string_view path) {
    return path.starts_with("/") || path.starts_with("./") || path.starts_with("../") || path.starts_with("~/");
}

}  // namespace

AptConfig::AptConfig(const AptMessage& configuration, std::string_view binary) {
    const std::string mine = "binary::" + lower(binary) + "::";
    std::map<std::string, std::string> overrides;
    for (const auto& [name, item] : configuration.fields()) {
        if (lower(name) != "config-item") continue;
        const auto equals = item.find('=');
        if (equals == std::string::npos) continue;
        const auto key = lower(percent_decoded(std::string_view(item).substr(0, equals)));
        auto value = percent_decoded(std::string_view(item).substr(equals + 1));
        if (key.starts_with(mine))
            overrides[key.substr(mine.size())] = std::move(value);
        else
            values_[key] = std::move(value);
    }
    for (auto& [key, value] : overrides) values_[key] = std::move(value);
}

std::string AptConfig::find(std::string_view key) const {
    const auto found = values_.find(lower(key));
    return found == values_.end() ? std::string() : found->second;
}

bool AptConfig::find_bool(std::string_view key, bool otherwise) const { return apt_bool(find(key), otherwise); }

AptSetting AptConfig::find_for(const std::string& scheme, const std::string& host, const std::string& name) const {
    std::vector<std::string> names{scheme};
    if (scheme != "http") names.emplace_back("http");
    for (const bool is_for_host : {true, false})
        for (const auto& one : names) {
            const auto key = "Acquire::" + one + "::" + (is_for_host ? host + "::" : "") + name;
            if (auto value = find(key); !value.empty()) return {key, std::move(value)};
        }
    return {};
}

std::string AptConfig::find_path(std::string_view key) const {
    std::string path = find(key);
    if (path.empty()) return {};
    std::string parent(key);
    while (!is_anchored(path)) {
        const auto end = parent.rfind("::");
        if (end == std::string::npos) break;
        parent.resize(end);
        std::string above = find(parent);
        if (above.empty()) continue;
        if (above.back() != '/') above += '/';
        path.insert(0, above);
    }
    std::string root = find("RootDir");
    while (!root.empty() && root.back() == '/') root.pop_back();
    return root + path;
}

}  // namespace packswarm::hooks
