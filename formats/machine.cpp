#include "formats/machine.hpp"

#include <sys/utsname.h>

namespace packswarm::formats {

std::string machine_name() {
    utsname name{};
    ::uname(&name);
    return name.machine;
}

}  // namespace packswarm::formats
