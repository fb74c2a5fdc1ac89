#include "p2p/swarm/torrents/x.hpp"
