#include "p2p/swarm/discovery/y.hpp"
