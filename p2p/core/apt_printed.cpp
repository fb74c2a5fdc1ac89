#include "p2p/core/apt_printed.hpp"

#include "p2p/base/limits.hpp"

namespace packswarm::core {

Result<std::vector<std::string>> parse_printed_addresses(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto quote = line.find("' ", 1);
        if (!line.starts_with("'") || quote == std::string_view::npos || quote > limits::max_url) continue;
        const auto address = line.substr(1, quote - 1);
        if (!address.starts_with("http://") && !address.starts_with("https://")) continue;
        if (out.size() >= limits::max_printed_packages)
            return fail(ErrorKind::Refused, "it names more than {} packages", limits::max_printed_packages);
        out.emplace_back(address);
    }
    return out;
}

}  // namespace packswarm::core
