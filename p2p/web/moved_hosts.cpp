#include "p2p/web/moved_hosts.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <thread>

namespace packswarm::web {

namespace {

constexpr auto between_lookups = Seconds(1);
constexpr std::size_t max_hosts = 256;

std::vector<std::string> look_up(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    std::vector<std::string> out;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return out;
    for (const auto* one = found; one != nullptr; one = one->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
            out.emplace_back(text.data());
    }
    ::freeaddrinfo(found);
    return out;
}

}  // namespace

void MovedHosts::doubt(const std::string& host, TimePoint now) {
    {
        const std::lock_guard lock(known_->mutex);
        auto& answers = known_->answers;
        const auto at = answers.find(host);
        if (at != answers.end() && now - at->second.asked < between_lookups) return;
        if (at == answers.end() && answers.size() >= max_hosts) answers.clear();
        answers[host] = {{}, now, false};
    }
    try {
        std::thread([known = known_, wake = wake_, host, now] {
            auto addresses = look_up(host);
            {
                const std::lock_guard lock(known->mutex);
                const auto at = known->answers.find(host);
                if (at == known->answers.end() || at->second.asked != now) return;
                at->second.addresses = std::move(addresses);
                at->second.is_there = true;
            }
            wake();
        }).detach();
    } catch (const std::system_error&) {  // no thread to be had: the connection's own time limit stands
    }
}

bool MovedHosts::leads_elsewhere(const std::string& host, const std::string& address, TimePoint asked) const {
    const std::lock_guard lock(known_->mutex);
    const auto at = known_->answers.find(host);
    if (at == known_->answers.end() || !at->second.is_there || at->second.asked < asked) return false;
    const auto& addresses = at->second.addresses;
    return !addresses.empty() && std::find(addresses.begin(), addresses.end(), address) == addresses.end();
}

std::optional<TimePoint> MovedHosts::moved_at(const std::string& host) const {
    const auto at = moved_.find(host);
    return at == moved_.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace packswarm::web
