// SystemBus: what services of this machine say of themselves on the system bus (D-Bus): properties, asked for one at a
// time, within one deadline for all. Starts no service. Blocks: for a worker. Not here: what is asked for
// (machine_state.hpp). Errors: Absent (no bus, or nobody of that name), Transient (no answer in time), Refused (another
// answer).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

struct sd_bus;
struct sd_bus_message;

namespace packswarm::daemon {

struct BusProperty {
    const char* service;
    const char* path;
    const char* interface;
    const char* name;
};

class SystemBus {
  public:
    // Where $DBUS_SYSTEM_BUS_ADDRESS says, or at its usual place.
    static Result<SystemBus> connect(Millis patience);

    Result<std::uint32_t> number(const BusProperty& property);
    Result<bool> truth(const BusProperty& property);

  private:
    struct Close {
        void operator()(sd_bus* bus) const;
    };
    struct Drop {
        void operator()(sd_bus_message* message) const;
    };
    using Message = std::unique_ptr<sd_bus_message, Drop>;

    SystemBus(std::unique_ptr<sd_bus, Close> bus, TimePoint deadline) : bus_(std::move(bus)), deadline_(deadline) {}
    Result<void> wait_until_ready();
    Result<Message> get(const BusProperty& property, const char* type);

    std::unique_ptr<sd_bus, Close> bus_;
    TimePoint deadline_;
};

}  // namespace packswarm::daemon
