#include "p2p/swarm/discovery/node_file.hpp"

#include <sstream>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/text.hpp"
#include "p2p/swarm/networks.hpp"

namespace packswarm::swarm {

Result<std::vector<std::string>> parse_nodes(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const std::string node(trimmed(std::string_view(line).substr(0, line.find('#'))));
        if (node.empty()) continue;
        if (const auto parts = split_endpoint(node); !parts || node.find_first_of(" \t") != std::string::npos)
            return fail(ErrorKind::Corrupt, "line {}: '{}' is not host:port", number, printable(node, 100));
        if (out.size() == limits::max_public_nodes)
            return fail(ErrorKind::Corrupt, "line {}: more than {} nodes", number, limits::max_public_nodes);
        out.push_back(node);
    }
    return out;
}

Result<std::vector<std::string>> read_nodes(const std::filesystem::path& file) {
    const auto text = read_text(file, limits::max_node_file);
    if (!text) return tl::unexpected(text.error());
    auto nodes = parse_nodes(*text);
    if (!nodes) return fail(nodes.error().kind, "{}, {}", file.string(), nodes.error().message);
    return nodes;
}

}  // namespace packswarm::swarm
