#include "p2p/daemon/machine_state.hpp"

#include <cstdlib>
#include <string>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/text.hpp"
#include "p2p/daemon/system_bus.hpp"

namespace packswarm::daemon {

namespace {

constexpr auto patience = Millis(1'000);
constexpr BusProperty metered{"org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager",
                              "org.freedesktop.NetworkManager", "Metered"};
constexpr std::uint32_t is_metered_yes = 1, is_metered_guessed = 3;  // NMMetered
constexpr BusProperty on_battery{"org.freedesktop.UPower", "/org/freedesktop/UPower", "org.freedesktop.UPower",
                                 "OnBattery"};

// For a test, the folder of another machine.
std::filesystem::path power_supplies() {
    const char* chosen = std::getenv("PACKSWARM_POWER_SUPPLIES");
    return chosen != nullptr ? chosen : "/sys/class/power_supply";
}

std::string word_of(const std::filesystem::path& file) {
    const auto text = read_text(file, 4 * limits::kib);
    return text ? std::string(trimmed(*text)) : std::string();
}

// A service that is not there says nothing against it; one that does not answer, or answers something else, is not
// known to.
template <class Value>
std::optional<bool> known(const Result<Value>& answer, bool says_so) {
    if (answer) return says_so;
    if (answer.error().kind == ErrorKind::Absent) return false;
    spdlog::debug("prefetch: {}", answer.error().message);
    return std::nullopt;
}

}  // namespace

bool is_on_battery(const std::filesystem::path& folder) {
    bool is_discharged = false;
    std::error_code error;
    for (const auto& supply : std::filesystem::directory_iterator(folder, error)) {
        const auto type = word_of(supply.path() / "type");
        if (type != "Battery") {  // Mains, USB
            if (word_of(supply.path() / "online") == "1") return false;
            continue;
        }
        const bool is_of_a_mouse = word_of(supply.path() / "scope") == "Device";
        if (!is_of_a_mouse && word_of(supply.path() / "status") == "Discharging") is_discharged = true;
    }
    return is_discharged;
}

MachineState look_at_machine() {
    auto bus = SystemBus::connect(patience);
    if (!bus) {
        const bool nobody = bus.error().kind == ErrorKind::Absent;
        if (!nobody) return {};
        return {false, is_on_battery(power_supplies())};
    }
    MachineState out;
    const auto network = bus->number(metered);
    out.is_metered = known(network, network && (*network == is_metered_yes || *network == is_metered_guessed));
    const auto power = bus->truth(on_battery);
    const bool has_upower = power || power.error().kind != ErrorKind::Absent;
    out.is_on_battery = has_upower ? known(power, power && *power) : std::optional(is_on_battery(power_supplies()));
    return out;
}

}  // namespace packswarm::daemon
