// rooms: swarm
// The file in which nodes of the DHT are remembered. Whatever stands in it, the session begins with a bounded number of
// nodes.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <libtorrent/session_params.hpp>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/swarm/discovery/dht.hpp"
#include "p2p/swarm/swarm.hpp"

using namespace packswarm;

namespace {

std::filesystem::path file() {
    const std::filesystem::path memory = "/dev/shm";
    const auto folder = std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    return folder / ("packswarm-dht-fuzz." + std::to_string(::getpid()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    spdlog::set_level(spdlog::level::off);
    std::ofstream(file(), std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    swarm::SwarmSettings settings;
    settings.dht = true;
    settings.dht_state_file = file();
    settings.dht_nodes = {"192.0.2.1:6881"};
    const auto lan = swarm::Networks::parse({"192.168.0.0/16"});
    lt::session_params params;
    swarm::Dht::prepare(params, settings, *lan);
    std::filesystem::remove(file());
    for (const auto* nodes : {&params.dht_state.nodes, &params.dht_state.nodes6})
        if (nodes->size() > limits::max_dht_nodes + 1) std::abort();
    if (params.dht_state.nodes.empty()) std::abort();  // the named one is there
    return 0;
}
