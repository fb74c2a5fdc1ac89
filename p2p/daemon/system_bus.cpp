#include "p2p/daemon/system_bus.hpp"

#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "p2p/base/log.hpp"

namespace packswarm::daemon {

namespace {

constexpr const char* usual_address = "unix:path=/run/dbus/system_bus_socket";

// For sd-bus zero means its own long timeouts.
std::uint64_t left_until(TimePoint deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(deadline - std::chrono::steady_clock::now());
    return left.count() < 1 ? 1 : static_cast<std::uint64_t>(left.count());
}

tl::unexpected<Error> no_bus(int error) {
    const bool is_late = error == -ETIMEDOUT;
    return fail(is_late ? ErrorKind::Transient : ErrorKind::Absent, "the system bus: {}", std::strerror(-error));
}

bool says(const sd_bus_error& error, std::string_view name) { return error.name != nullptr && name == error.name; }

// Of a call that was answered with an error, or not at all.
tl::unexpected<Error> why_not(const BusProperty& property, int result, const sd_bus_error& error) {
    const bool is_nobody = says(error, SD_BUS_ERROR_SERVICE_UNKNOWN) || says(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
    const bool is_late =
        says(error, SD_BUS_ERROR_NO_REPLY) || says(error, SD_BUS_ERROR_TIMEOUT) || result == -ETIMEDOUT;
    const auto kind = is_nobody ? ErrorKind::Absent : is_late ? ErrorKind::Transient : ErrorKind::Refused;
    return fail(kind, "{}: {}", property.service,
                error.message != nullptr ? printable(error.message, 200) : std::string(std::strerror(-result)));
}

}  // namespace

void SystemBus::Close::operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
void SystemBus::Drop::operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }

Result<SystemBus> SystemBus::connect(Millis patience) {
    const char* chosen = std::getenv("DBUS_SYSTEM_BUS_ADDRESS");
    sd_bus* bus = nullptr;
    if (const int made = sd_bus_new(&bus); made < 0) return no_bus(made);
    SystemBus out({bus, Close()}, std::chrono::steady_clock::now() + patience);
    if (const int set = sd_bus_set_address(bus, chosen != nullptr && *chosen != '\0' ? chosen : usual_address); set < 0)
        return no_bus(set);
    if (const int set = sd_bus_set_bus_client(bus, 1); set < 0) return no_bus(set);
    if (const int started = sd_bus_start(bus); started < 0) return no_bus(started);
    if (auto ready = out.wait_until_ready(); !ready) return tl::unexpected(ready.error());
    return out;
}

// A call would wait for the greeting without an end of ours.
Result<void> SystemBus::wait_until_ready() {
    while (sd_bus_is_ready(bus_.get()) == 0) {
        const int done = sd_bus_process(bus_.get(), nullptr);
        if (done < 0) return no_bus(done);
        if (done > 0) continue;
        if (std::chrono::steady_clock::now() >= deadline_) return no_bus(-ETIMEDOUT);
        if (const int waited = sd_bus_wait(bus_.get(), left_until(deadline_)); waited < 0 && waited != -EINTR)
            return no_bus(waited);
    }
    return {};
}

Result<SystemBus::Message> SystemBus::get(const BusProperty& property, const char* type) {
    if (std::chrono::steady_clock::now() >= deadline_) return no_bus(-ETIMEDOUT);
    sd_bus_message* made = nullptr;
    int result = sd_bus_message_new_method_call(bus_.get(), &made, property.service, property.path,
                                                "org.freedesktop.DBus.Properties", "Get");
    const Message call(made);
    if (result >= 0) result = sd_bus_message_set_auto_start(made, 0);
    if (result >= 0) result = sd_bus_message_append(made, "ss", property.interface, property.name);
    if (result < 0) return no_bus(result);
    sd_bus_error error{};
    sd_bus_message* answered = nullptr;
    result = sd_bus_call(bus_.get(), made, left_until(deadline_), &error, &answered);
    Message answer(answered);
    if (result < 0) {
        auto refusal = why_not(property, result, error);
        sd_bus_error_free(&error);
        return refusal;
    }
    if (sd_bus_message_enter_container(answered, SD_BUS_TYPE_VARIANT, type) <= 0)
        return fail(ErrorKind::Refused, "{}: {} is of another type", property.service, property.name);
    return answer;
}

Result<std::uint32_t> SystemBus::number(const BusProperty& property) {
    auto answer = get(property, "u");
    if (!answer) return tl::unexpected(answer.error());
    std::uint32_t value = 0;
    if (sd_bus_message_read(answer->get(), "u", &value) <= 0) return no_bus(-EBADMSG);
    return value;
}

Result<bool> SystemBus::truth(const BusProperty& property) {
    auto answer = get(property, "b");
    if (!answer) return tl::unexpected(answer.error());
    int value = 0;
    if (sd_bus_message_read(answer->get(), "b", &value) <= 0) return no_bus(-EBADMSG);
    return value != 0;
}

}  // namespace packswarm::daemon
