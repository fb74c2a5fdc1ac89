// Strangers: when peers outside the local network that the owner did not name are asked for an artifact too. An ask
// tells them what this machine fetches (SECURITY.md). A pure function of the board.
#pragma once

#include <string_view>

#include "p2p/plan/board.hpp"

namespace packswarm::plan {

// "bookworm-security", "buster/updates": as a suite or as a codename.
bool is_security_suite(std::string_view suite);

struct Asking {
    bool is_security = false;    // a security suite lists it: which machine lacks it yet is nobody's business
    bool skips_mirrors = false;  // they are not asked now, and will be when peers do not have it
};

bool asks_strangers(const Board& board, const Want& want, const Asking& asking, TimePoint now);

}  // namespace packswarm::plan
