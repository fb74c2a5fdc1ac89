#include "p2p/broker/desks/graveyard.hpp"

#include <utility>

namespace packswarm::broker {

void Graveyard::bury(std::shared_ptr<const void> ended) {
    graves_.push_back(std::move(ended));
    loop_.post(lifetime_.guard([this] { graves_.clear(); }));
}

}  // namespace packswarm::broker
