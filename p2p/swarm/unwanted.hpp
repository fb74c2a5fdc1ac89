// The error that ends connections to those who are not wanted: libtorrent takes it for a failure of theirs. Any thread.
#pragma once

#include <libtorrent/error_code.hpp>

namespace packswarm::swarm {

inline lt::error_code unwanted() { return lt::errors::make_error_code(lt::errors::invalid_info_hash); }

}  // namespace packswarm::swarm
