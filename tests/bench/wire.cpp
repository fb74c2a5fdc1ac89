// A switch with long lines, for kernels without netem: one TAP device per port, a rate in each direction, a delay and a
// queue that drops its tail. Reads "port NAME UP_MBIT DOWN_MBIT DELAY_MS" lines from stdin and answers "ok" when the
// device is there; ends with stdin. A frame waits for its sender's line, travels both delays, waits for its receiver's
// line.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <memory>
#include <queue>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Nanos = std::chrono::nanoseconds;
using Time = Clock::time_point;
using Mac = std::array<unsigned char, 6>;
constexpr auto longest_queue = std::chrono::milliseconds(100);

struct Line {
    double nanos_per_byte = 0;
    Time busy{};
    // When the last bit has left; nothing when the queue is full.
    bool serialise(Time now, std::size_t bytes, Time& out) {
        if (busy < now) busy = now;
        if (busy - now > longest_queue) return false;
        busy += Nanos(static_cast<std::int64_t>(nanos_per_byte * static_cast<double>(bytes)));
        out = busy;
        return true;
    }
};

struct Port {
    int fd = -1;
    Line up, down;
    Nanos delay{};
    Mac mac{};
    bool known = false;
};

struct Frame {
    Time when;
    std::uint64_t order;
    std::size_t to;
    bool arrived;  // has waited for the receiver's line as well
    std::shared_ptr<const std::vector<char>> bytes;
    bool operator<(const Frame& other) const { return when != other.when ? when > other.when : order > other.order; }
};

class Switch {
  public:
    bool add(std::istream& words) {
        std::string name;
        double up = 0, down = 0, delay_ms = 0;
        if (!(words >> name >> up >> down >> delay_ms) || up <= 0 || down <= 0) return false;
        Port port;
        port.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        ifreq request{};
        request.ifr_flags = IFF_TAP | IFF_NO_PI;
        name.copy(request.ifr_name, sizeof request.ifr_name - 1);
        if (port.fd < 0 || ioctl(port.fd, TUNSETIFF, &request) != 0) return false;
        port.up.nanos_per_byte = 8000 / up;
        port.down.nanos_per_byte = 8000 / down;
        port.delay = Nanos(static_cast<std::int64_t>(delay_ms * 1e6));
        ports_.push_back(port);
        return true;
    }

    void run() {
        std::string typed;
        for (;;) {
            wait();
            const Time now = Clock::now();
            if (!read_commands(typed)) return;
            for (std::size_t port = 0; port < ports_.size(); ++port) read_frames(port, now);
            deliver(Clock::now());
        }
    }

  private:
    void wait() {
        std::vector<pollfd> fds{{STDIN_FILENO, POLLIN, 0}};
        for (const auto& port : ports_) fds.push_back({port.fd, POLLIN, 0});
        timespec time{3600, 0};
        if (!frames_.empty()) {
            const auto left =
                std::max(Nanos(0), std::chrono::duration_cast<Nanos>(frames_.top().when - Clock::now())).count();
            time = {left / 1'000'000'000, left % 1'000'000'000};
        }
        ppoll(fds.data(), fds.size(), &time, nullptr);
        commands_ = fds[0].revents != 0;
    }

    bool read_commands(std::string& typed) {
        if (!commands_) return true;
        std::array<char, 1024> buffer;
        const auto count = read(STDIN_FILENO, buffer.data(), buffer.size());
        if (count <= 0) return false;
        typed.append(buffer.data(), static_cast<std::size_t>(count));
        for (auto end = typed.find('\n'); end != std::string::npos; end = typed.find('\n')) {
            std::istringstream words(typed.substr(0, end));
            typed.erase(0, end + 1);
            std::string word;
            std::cout << (words >> word && word == "port" && add(words) ? "ok" : "error") << std::endl;
        }
        return true;
    }

    void read_frames(std::size_t from, Time now) {
        std::array<char, 65536> buffer;
        for (int i = 0; i < 64; ++i) {
            const auto count = read(ports_[from].fd, buffer.data(), buffer.size());
            if (count < 14) return;
            take(from, now, std::make_shared<const std::vector<char>>(buffer.data(), buffer.data() + count));
        }
    }

    void take(std::size_t from, Time now, std::shared_ptr<const std::vector<char>> bytes) {
        auto& sender = ports_[from];
        std::memcpy(sender.mac.data(), bytes->data() + 6, 6);
        sender.known = true;
        const bool to_all = (*bytes)[0] & 1;
        Time sent;
        if (!sender.up.serialise(now, bytes->size(), sent)) return;
        for (std::size_t to = 0; to < ports_.size(); ++to) {
            const auto& receiver = ports_[to];
            const bool may_be_mine = !receiver.known || std::memcmp(bytes->data(), receiver.mac.data(), 6) == 0;
            if (to != from && (to_all || may_be_mine))
                frames_.push({sent + sender.delay + receiver.delay, order_++, to, false, bytes});
        }
    }

    void deliver(Time now) {
        while (!frames_.empty() && frames_.top().when <= now) {
            Frame frame = frames_.top();
            frames_.pop();
            auto& receiver = ports_[frame.to];
            if (frame.arrived) {
                if (write(receiver.fd, frame.bytes->data(), frame.bytes->size()) < 0)
                    continue;  // a full device drops, as a real one
            } else if (receiver.down.serialise(frame.when, frame.bytes->size(), frame.when)) {
                frame.arrived = true;
                frames_.push(frame);
            }
        }
    }

    std::vector<Port> ports_;
    std::priority_queue<Frame> frames_;
    std::uint64_t order_ = 0;
    bool commands_ = false;
};

}  // namespace

int main() {
    Switch wires;
    wires.run();
}
