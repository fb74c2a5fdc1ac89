#include "p2p/gateway/sites/site_request.hpp"

#include <utility>

namespace packswarm::gateway {

namespace {

// Package managers unless told otherwise, and this agent as the client of another one.
bool is_usual(std::string_view user_agent, const core::Formats& formats) {
    return user_agent.starts_with("packswarm/") || formats.is_usual_client(user_agent);
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
    if (is_plain(name) && !is_usual(name, door.formats)) request.chosen_name = name;
    const auto format = request.target.format;
    request.may_be_sent_again = format.habits().client_gives_up_early && format->is_usual_client(name);
    return request;
}

}  // namespace packswarm::gateway
