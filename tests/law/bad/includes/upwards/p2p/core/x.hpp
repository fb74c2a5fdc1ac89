#include "p2p/broker/broker.hpp"
