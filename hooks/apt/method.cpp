#include "hooks/apt/method.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>

#include "hooks/apt/options.hpp"
#include "hooks/apt/privileges.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::hooks {
namespace {

constexpr auto default_socket = "/run/packswarm/control.sock";
constexpr auto default_methods = "/usr/lib/apt/methods";

// Not "Single-Instance": apt keeps one queue for each host then, as for its own methods. In one queue for all of them
// an item that waits for its next try keeps apt (2.6 to 3.3) from ever sending what is queued behind it.
std::string capabilities() {
    AptMessage message(100, "Capabilities");
    message.add("Version", "1.0").add("Pipeline", "true").add("Send-Config", "true");
    return message.add("Send-URI-Encoded", "true").text();
}

bool is_this_program(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::equivalent(path, "/proc/self/exe", error);
}

// The agent is waited for no longer than apt is told to wait for a server.
Millis configured_silence(const AptConfig& config, const std::string& scheme) {
    auto silence = AptAgentSettings{}.silence;
    const auto seconds = parse_byte_count(config.find("Packswarm::Timeout")).value_or(0);
    if (seconds > 0 && seconds <= 3600) silence = Millis(seconds * 1000);
    const auto timeout = parse_byte_count(config.find_for(scheme, "", "Timeout").value).value_or(0);
    return timeout > 0 && timeout <= 3600 ? std::min(silence, Millis(timeout * 1000)) : silence;
}

AptAgentSettings agent_settings(const AptConfig& config, const std::string& scheme) {
    AptAgentSettings settings;
    settings.socket = config.find("Packswarm::Socket");
    if (settings.socket.empty()) settings.socket = default_socket;
    settings.silence = configured_silence(config, scheme);
    return settings;
}

}  // namespace

std::string own_method_program(const AptConfig& config, const std::string& called_as, const std::string& scheme) {
    const auto folder_of_call = std::filesystem::path(called_as).parent_path().string();
    for (const auto& folder : {config.find("Packswarm::Methods"), folder_of_call, std::string(default_methods)}) {
        if (!folder.starts_with('/')) continue;
        const auto program = std::filesystem::path(folder) / scheme;
        std::error_code error;
        if (std::filesystem::exists(program, error) && !is_this_program(program)) return program.string();
    }
    return std::string(default_methods) + "/" + scheme;
}

AptMethod::AptMethod(AptMethodSettings settings)
    : settings_(std::move(settings)), outgoing_(capabilities()), agent_({}), fallback_("") {}

int AptMethod::run() {
    ::fcntl(settings_.input, F_SETFL, ::fcntl(settings_.input, F_GETFL) | O_NONBLOCK);
    ::fcntl(settings_.output, F_SETFL, ::fcntl(settings_.output, F_GETFL) | O_NONBLOCK);
    while (round() == Flow::going) {
    }
    return 0;
}

int AptMethod::timeout_ms() const {
    if (agent_.has_work()) return 0;
    auto deadline = agent_.next_deadline();
    if (!later_.empty() && (!deadline || later_.begin()->first < *deadline)) deadline = later_.begin()->first;
    if (!deadline) return -1;
    const auto left = std::chrono::ceil<Millis>(*deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<Millis::rep>(left.count(), 0, 60'000));
}

AptMethod::Flow AptMethod::round() {
    const auto children = fallback_.children();
    std::vector<pollfd> ready{{settings_.input, POLLIN, 0},
                              {settings_.output, static_cast<short>(outgoing_.empty() ? 0 : POLLOUT), 0},
                              {agent_.fd(), POLLIN, 0}};
    for (const auto* child : children) {
        ready.push_back({child->read_fd(), POLLIN, 0});
        ready.push_back({child->wants_to_write() ? child->write_fd() : -1, POLLOUT, 0});
    }
    if (::poll(ready.data(), ready.size(), timeout_ms()) < 0 && errno != EINTR) return Flow::ended;
    for (std::size_t i = 0; i < children.size(); ++i) {
        const short events = static_cast<short>(ready[3 + 2 * i].revents | ready[4 + 2 * i].revents);
        if (events != 0) fallback_.on_ready(*children[i], events);
    }
    if (ready[2].revents != 0 || agent_.has_work()) agent_.on_readable();
    agent_.work();
    agent_.on_time();
    on_time();
    if (ready[0].revents != 0 && read_apt() == Flow::ended) return Flow::ended;
    collect();
    return write_apt();
}

// Moves what one side could not do to the other, and all replies towards apt.
void AptMethod::collect() {
    outgoing_ += agent_.take_replies();
    for (auto& item : agent_.take_handed_over()) {
        const auto pause = retries_.pause_after(item.reason);
        if (pause == Seconds())
            fallback_.acquire(std::move(item), AptFallback::Login::none);
        else
            later(std::chrono::steady_clock::now() + pause,
                  [this, item = std::move(item)] { fallback_.acquire(item, AptFallback::Login::none); });
    }
    outgoing_ += fallback_.take_replies();
    const auto wall = std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
    for (const auto& failure : fallback_.take_failures())
        retries_.failed(failure, std::chrono::steady_clock::now(), wall);
}

void AptMethod::later(TimePoint due, std::function<void()> task) { later_.emplace(due, std::move(task)); }

void AptMethod::on_time() {
    const auto due = later_.upper_bound(std::chrono::steady_clock::now());
    std::vector<std::function<void()>> tasks;
    for (auto at = later_.begin(); at != due; ++at) tasks.push_back(std::move(at->second));
    later_.erase(later_.begin(), due);
    for (const auto& task : tasks) task();
}

AptMethod::Flow AptMethod::read_apt() {
    std::array<char, 1 << 16> buffer;
    const auto got = ::read(settings_.input, buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Flow::going;
    if (got <= 0) return Flow::ended;
    const auto messages = reader_.feed({buffer.data(), static_cast<std::size_t>(got)});
    if (!messages) return Flow::ended;
    for (const auto& raw : *messages)
        if (on_message(raw) == Flow::ended) return Flow::ended;
    return Flow::going;
}

AptMethod::Flow AptMethod::write_apt() {
    while (!outgoing_.empty()) {
        const auto put = ::write(settings_.output, outgoing_.data(), outgoing_.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno == EAGAIN ? Flow::going : Flow::ended;
        outgoing_.erase(0, static_cast<std::size_t>(put));
    }
    return Flow::going;
}

AptMethod::Flow AptMethod::on_message(const std::string& raw) {
    const auto message = AptMessage::parse(raw);
    if (!message) {
        std::cerr << "packswarm-apt-method: " << message.error().message << '\n';
        return Flow::ended;
    }
    if (message->code() == 601) return configure(*message, raw);
    if (message->code() != 600) return Flow::going;
    const auto due = retries_.take_due(std::string(message->find("URI")));
    if (due && *due > std::chrono::steady_clock::now())
        later(*due, [this, message = *message, raw] { acquire(message, raw); });
    else
        acquire(*message, raw);
    return Flow::going;
}

// Logins are read, and a child that needs to read them is started, while this process may still do so.
AptMethod::Flow AptMethod::configure(const AptMessage& message, const std::string& raw) {
    const AptConfig config(message, settings_.scheme);
    route_ = AptRoute(config, AptEnvironment::from_process());
    forced_hash_ = config.find("Acquire::ForceHash");
    agent_ = AptAgent(agent_settings(config, settings_.scheme));
    retries_ = AptRetries(config);
    const auto reasons =
        config.find_bool("Debug::Packswarm", false) ? AptFallback::Reasons::told : AptFallback::Reasons::kept_back;
    fallback_ = AptFallback(own_method_program(config, settings_.called_as, settings_.scheme), reasons);
    fallback_.configure(raw, processes_of_apt(config, settings_.scheme));
    if (route_.knows_logins()) fallback_.prepare_privileged();
    const auto dropped = become_user(config.find("APT::Sandbox::User"));
    if (dropped) return Flow::going;
    outgoing_ +=
        AptMessage(401, "General Failure").add("Message", "packswarm-apt-method: " + dropped.error().message).text();
    write_apt();
    return Flow::ended;
}

void AptMethod::acquire(const AptMessage& message, const std::string& raw) {
    auto why_not = route_.why_not(message);
    if (why_not.empty()) why_not = AptItem::why_not(message);
    if (why_not.empty()) return agent_.get(AptItem(message, raw, forced_hash_));
    const std::string uri(message.find("URI"));
    const auto login = route_.has_login(host_of(uri)) ? AptFallback::Login::needed : AptFallback::Login::none;
    fallback_.acquire({uri, raw, {ErrorKind::Absent, why_not}}, login);
}

}  // namespace packswarm::hooks
