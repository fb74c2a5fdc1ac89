#include "p2p/base/result.hpp"

namespace packswarm {

std::string_view to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::Absent:
            return "absent";
        case ErrorKind::Transient:
            return "transient";
        case ErrorKind::Corrupt:
            return "corrupt";
        case ErrorKind::Refused:
            return "refused";
        case ErrorKind::Broken:
            return "broken";
    }
    return "broken";
}

}  // namespace packswarm
