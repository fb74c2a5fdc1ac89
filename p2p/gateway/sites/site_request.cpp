#include "p2p/gateway/sites/site_request.hpp"

#include <utility>

namespace packswarm::gateway {

namespace {

bool is_libalpm(std::string_view user_agent) { return user_agent.find("libalpm") != std::string_view::npos; }

// apt and pacman unless told otherwise, and this agent as the client of another one.
bool is_usual(std::string_view user_agent) {
    return user_agent.starts_with("Debian APT-") || user_agent.starts_with("packswarm/") || is_libalpm(user_agent);
}

}  // namespace

tl::expected<std::optional<SiteRequest>, Problem> read_site_request(std::string_view bytes, const Door& door) {
    auto head = read_head(bytes, door.via);
    if (!head) return tl::unexpected(std::move(head.error()));
    if (!*head) return std::nullopt;
    auto target = parse_target((*head)->spelling, (*head)->host, door);
    if (!target) return tl::unexpected(std::move(target.error()));
    SiteRequest request{std::move(**head), std::move(*target)};
    const auto& name = request.head.user_agent;
    if (is_plain(name) && !is_usual(name)) request.chosen_name = name;
    request.may_be_sent_again = is_libalpm(name) && request.target.is_pacman_path();
    return request;
}

}  // namespace packswarm::gateway
