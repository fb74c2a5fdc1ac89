#include "p2p/core/left_out.hpp"

#include "p2p/base/log.hpp"

namespace packswarm::core {

std::string LeftOut::text() const {
    std::string out = count == 1 ? "1 entry is left out: " : fmt::format("{} entries are left out: ", count);
    for (std::size_t i = 0; i < named.size(); ++i) out += (i > 0 ? "; " : "") + named[i];
    if (count > named.size()) out += "; ...";
    return out;
}

}  // namespace packswarm::core
