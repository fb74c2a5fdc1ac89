// The formats that tests need a value of.
#pragma once

#include "formats/debian/debian.hpp"
#include "formats/format.hpp"
#include "formats/pacman/pacman.hpp"

namespace packswarm::test {

inline core::Format debian() { return formats::debian(); }
inline core::Format pacman() { return formats::pacman(); }

}  // namespace packswarm::test
