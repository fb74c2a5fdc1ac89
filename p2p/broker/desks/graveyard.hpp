// Graveyard: what has ended inside one of its own callbacks, and may still be telling of something: it stays until the
// loop comes round again. Loop's thread.
#pragma once

#include <memory>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"

namespace packswarm::broker {

class Graveyard {
  public:
    explicit Graveyard(Loop& loop) : loop_(loop) {}
    Graveyard(const Graveyard&) = delete;
    Graveyard& operator=(const Graveyard&) = delete;

    void bury(std::shared_ptr<const void> ended);

  private:
    Loop& loop_;
    std::vector<std::shared_ptr<const void>> graves_;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
