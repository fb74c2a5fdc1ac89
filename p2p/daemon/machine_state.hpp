// MachineState: what the network and the current cost this machine now: whether the connection is metered
// (NetworkManager) and whether it runs on battery (UPower, else the kernel's own folder). Where neither is at work,
// nothing is metered and nothing runs on battery. Blocks, a second at most: for a worker. Not here: interfaces and
// addresses (surroundings.hpp), the bus (system_bus.hpp).
#pragma once

#include <filesystem>
#include <optional>

namespace packswarm::daemon {

struct MachineState {
    std::optional<bool> is_metered, is_on_battery;  // none: who would know did not answer in time
    friend bool operator==(const MachineState&, const MachineState&) = default;
};

MachineState look_at_machine();

// From a folder such as /sys/class/power_supply (Documentation/ABI/testing/sysfs-class-power): no mains adapter is
// online, and a battery of the machine is being discharged.
bool is_on_battery(const std::filesystem::path& power_supplies);

}  // namespace packswarm::daemon
