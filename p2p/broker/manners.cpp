#include "p2p/broker/manners.hpp"

namespace packswarm::broker {

// apt's method has apt's own behind it.
Manners manners_of(std::string_view asker) { return {asker == "apt", asker == "pacman"}; }

}  // namespace packswarm::broker
