#include "p2p/swarm/internet.hpp"

#include "p2p/base/log.hpp"

namespace packswarm::swarm {

std::string_view to_string(Internet internet) {
    switch (internet) {
        case Internet::off:
            return "off";
        case Internet::find:
            return "find";
        case Internet::find_and_be_found:
            return "find-and-be-found";
    }
    return "";
}

Result<Internet> parse_internet(std::string_view text) {
    for (const auto one : {Internet::off, Internet::find, Internet::find_and_be_found})
        if (text == to_string(one)) return one;
    return fail(ErrorKind::Refused, "'{}' is not \"off\", \"find\" or \"find-and-be-found\"", printable(text));
}

}  // namespace packswarm::swarm
