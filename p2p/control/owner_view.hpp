// OwnerView: what the control socket needs from the daemon to answer its owner: status, explain, mirrors, peers, share,
// import, refresh, accept, doctor, bundle, stored, import_root. Implemented in daemon. Rights are checked before
// (protocol.hpp, is_for_owner). Loop's thread.
#pragma once

#include <functional>
#include <string>

#include "p2p/base/result.hpp"
#include "p2p/control/closing.hpp"
#include "p2p/control/protocol.hpp"

namespace packswarm::control {

struct Question {
    std::string op;
    Arguments args;      // as protocol.hpp has read and bounded them
    PassedFile file;     // the descriptor that came with it, if any; its access mode is not checked
    unsigned uid = 0;    // who asks, as the kernel says (SO_PEERCRED)
    bool owner = false;  // root or the agent's own user
};

class OwnerView {
  public:
    virtual ~OwnerView() = default;
    // then: JSON text, or the error to show. Called once, inside the call or later, also when the asker has gone
    // meanwhile.
    virtual void answer(Question question, std::function<void(Result<std::string>)> then) = 0;
};

}  // namespace packswarm::control
