// Networks: a set of address ranges given as text ("192.168.0.0/16", "fe80::/10", "198.51.100.7"), and the filters made
// of them. Not here: who is banned for a while (bans.hpp). Any thread. Errors: Refused for text that is no network.
#pragma once

#include <libtorrent/address.hpp>
#include <libtorrent/error_code.hpp>
#include <libtorrent/ip_filter.hpp>
#include <string>
#include <vector>

#include "p2p/base/result.hpp"

namespace packswarm::swarm {

class Networks {
  public:
    static Result<Networks> parse(const std::vector<std::string>& texts);

    bool contains(const lt::address& address) const;
    // Gives every address of the set these flags in the filter.
    void mark(lt::ip_filter& filter, std::uint32_t flags) const;

  private:
    struct Range {
        lt::address first, last;
    };
    static Result<Range> parse_one(const std::string& text);
    std::vector<Range> ranges_;
};

// An IPv4 address that came mapped into IPv6 (::ffff:192.0.2.1), as what it is.
lt::address plain(const lt::address& address);

// "192.0.2.1:26881", "[2001:db8::1]:26881"
std::string endpoint_text(const lt::address& address, int port);

// The two parts of such a text; the host may be a name. Refused when it is neither.
Result<std::pair<std::string, int>> split_endpoint(const std::string& text);

}  // namespace packswarm::swarm
