#include "p2p/daemon/machine_state.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "p2p/daemon/system_bus.hpp"
#include "tests/support/nginx.hpp"

namespace packswarm::daemon {
namespace {

class PowerSupplies : public ::testing::Test {
  protected:
    void supply(const std::string& name, const std::map<std::string, std::string>& files) {
        std::filesystem::create_directories(folder_.path() / name);
        for (const auto& [file, text] : files) std::ofstream(folder_.path() / name / file) << text << '\n';
    }
    bool on_battery() const { return is_on_battery(folder_.path()); }

    test::TempDir folder_;
};

TEST_F(PowerSupplies, AMachineWithoutABatteryDoesNotRunOnOne) {
    EXPECT_FALSE(is_on_battery(folder_.path() / "nothing"));
    EXPECT_FALSE(on_battery());
    supply("AC", {{"type", "Mains"}, {"online", "0"}});
    EXPECT_FALSE(on_battery());
}

TEST_F(PowerSupplies, ABatteryCountsWhileItIsDischargedAndNothingElseIsOnline) {
    supply("BAT0", {{"type", "Battery"}, {"status", "Discharging"}});
    EXPECT_TRUE(on_battery()) << "some machines show no adapter";
    supply("AC", {{"type", "Mains"}, {"online", "0"}});
    EXPECT_TRUE(on_battery());
    supply("AC", {{"online", "1"}});
    EXPECT_FALSE(on_battery());
    supply("AC", {{"online", "0"}});
    supply("usb", {{"type", "USB"}, {"online", "1"}});
    EXPECT_FALSE(on_battery());
    supply("usb", {{"online", "0"}});
    for (const char* status : {"Charging", "Full", "Not charging", "Unknown"}) {
        supply("BAT0", {{"status", status}});
        EXPECT_FALSE(on_battery()) << status;
    }
}

TEST_F(PowerSupplies, ABatteryOfAMouseIsNotTheMachines) {
    supply("mouse", {{"type", "Battery"}, {"status", "Discharging"}, {"scope", "Device"}});
    EXPECT_FALSE(on_battery());
    supply("BAT1", {{"type", "Battery"}, {"status", "Discharging"}, {"scope", "System"}});
    EXPECT_TRUE(on_battery());
}

TEST_F(PowerSupplies, WithoutABusTheFolderDecidesAndNothingIsMetered) {
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + (folder_.path() / "no-bus").string()).c_str(), 1);
    ::setenv("PACKSWARM_POWER_SUPPLIES", folder_.path().c_str(), 1);
    EXPECT_EQ(SystemBus::connect(Millis(200)).error().kind, ErrorKind::Absent);
    EXPECT_EQ(look_at_machine(), (MachineState{false, false}));
    supply("BAT0", {{"type", "Battery"}, {"status", "Discharging"}});
    EXPECT_EQ(look_at_machine(), (MachineState{false, true}));
    ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
    ::unsetenv("PACKSWARM_POWER_SUPPLIES");
}

}  // namespace
}  // namespace packswarm::daemon
