#include "p2p/swarm/channel/x.hpp"
