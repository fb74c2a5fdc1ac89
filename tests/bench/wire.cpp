// A switch with long lines, for kernels without netem: one TAP device per port, a rate in each direction, a delay and a
// queue that drops its tail. A frame goes over its sender's line and its receiver's; between them over the line that a
// LAN's machines share, when it leaves a LAN or comes into one. Reads commands from stdin, answers each with "ok" or
// "error", ends with stdin:
//   lan NAME UP_MBIT DOWN_MBIT DELAY_MS               a line that many ports share
//   port NAME UP_MBIT DOWN_MBIT DELAY_MS [LAN]        "ok" when the device is there
//   rate NAME UP_MBIT DOWN_MBIT                       other rates for a port or a LAN
//   count                                             "FROM TO BYTES" lines: what TCP and UDP carried since the start
// With the argument --segments the kernel leaves it to us to cut a segment of TCP into packets, which costs less of the
// processor: such a segment travels whole, and is charged for the headers of all its packets.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Nanos = std::chrono::nanoseconds;
using Time = Clock::time_point;
using Mac = std::array<unsigned char, 6>;
using Bytes = std::vector<char>;
constexpr auto longest_queue = std::chrono::milliseconds(100);
constexpr double largest_queue = 2.5e6;  // bytes, of lines that send more in 100 ms
constexpr std::size_t ethernet = 14;

// What the kernel says of a frame, struct virtio_net_hdr: that header cannot be read by a C++ compiler.
struct Offload {
    std::uint8_t flags, segmentation;  // 0: the frame is one packet
    std::uint16_t headers, segment, checksum_start, checksum_offset;
};

struct Line {
    double nanos_per_byte = 0;
    Nanos delay{};
    Time busy{};
    // When the last bit arrives; nothing when the queue is full.
    std::optional<Time> carry(Time now, std::size_t bytes) {
        if (busy < now) busy = now;
        if (busy - now > std::min<Nanos>(longest_queue, nanos(largest_queue))) return {};
        busy += nanos(static_cast<double>(bytes));
        return busy + delay;
    }

  private:
    Nanos nanos(double bytes) const { return Nanos(static_cast<std::int64_t>(nanos_per_byte * bytes)); }
};

struct Access {
    std::string name;
    Line up, down;

    bool set_rates(std::istream& words) {
        double up_mbit = 0, down_mbit = 0;
        if (!(words >> up_mbit >> down_mbit) || up_mbit <= 0 || down_mbit <= 0) return false;
        up.nanos_per_byte = 8000 / up_mbit;
        down.nanos_per_byte = 8000 / down_mbit;
        return true;
    }

    bool read(std::istream& words) {
        double delay_ms = 0;
        if (!(words >> name) || !set_rates(words) || !(words >> delay_ms)) return false;
        up.delay = down.delay = Nanos(static_cast<std::int64_t>(delay_ms * 1e6));
        return true;
    }
};

struct Port : Access {
    int fd = -1;
    std::optional<std::size_t> lan;
    Mac mac{};
    bool known = false;
};

// What a frame costs on a line, and what it carries for TCP or UDP.
struct Weight {
    std::size_t wire = 0, payload = 0;
};

Weight weigh(const char* frame, std::size_t size, std::size_t segment) {
    Weight out{size, 0};
    const auto at = [&](std::size_t place) { return static_cast<unsigned char>(frame[place]); };
    if (size < ethernet + sizeof(iphdr) || at(12) != 8 || at(13) != 0) return out;
    iphdr ip{};
    std::memcpy(&ip, frame + ethernet, sizeof ip);
    const std::size_t packet = ethernet + ip.ihl * 4U;
    std::size_t headers = packet + sizeof(udphdr);
    if (ip.protocol == IPPROTO_TCP && size >= packet + sizeof(tcphdr))
        headers = packet + (at(packet + 12) >> 4U) * 4U;
    else if (ip.protocol != IPPROTO_UDP)
        return out;
    const std::size_t end = segment ? size : std::min<std::size_t>(size, ethernet + ntohs(ip.tot_len));
    out.payload = end > headers ? end - headers : 0;
    if (segment && out.payload > segment) out.wire += (out.payload - 1) / segment * headers;
    return out;
}

struct Frame {
    Time when;
    std::uint64_t order;
    std::size_t from, to;
    int hop;  // the next line: 1 out of the sender's LAN, 2 into the receiver's, 3 to the receiver; then it is there
    Weight weight;
    std::shared_ptr<const Bytes> bytes;
    bool operator<(const Frame& other) const { return when != other.when ? when > other.when : order > other.order; }
};

class Switch {
  public:
    explicit Switch(bool in_segments) : prefix_(in_segments ? sizeof(Offload) : 0) {}

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
    bool command(std::istream& words) {
        std::string word, name;
        words >> word;
        if (word == "port") return add_port(words);
        if (word == "count") return count();
        if (word == "lan") return lans_.emplace_back().read(words);
        if (word != "rate" || !(words >> name)) return false;
        const auto named = [&](const Access& one) { return one.name == name; };
        const auto lan = std::find_if(lans_.begin(), lans_.end(), named);
        if (lan != lans_.end()) return lan->set_rates(words);
        const auto port = std::find_if(ports_.begin(), ports_.end(), named);
        return port != ports_.end() && port->set_rates(words);
    }

    bool add_port(std::istream& words) {
        Port port;
        std::string lan;
        if (!port.read(words)) return false;
        if (words >> lan) {
            const auto found =
                std::find_if(lans_.begin(), lans_.end(), [&](const auto& one) { return one.name == lan; });
            if (found == lans_.end()) return false;
            port.lan = static_cast<std::size_t>(found - lans_.begin());
        }
        port.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        ifreq request{};
        request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | (prefix_ ? IFF_VNET_HDR : 0));
        port.name.copy(request.ifr_name, sizeof request.ifr_name - 1);
        if (port.fd < 0 || ioctl(port.fd, TUNSETIFF, &request) != 0) return false;
        if (prefix_ && ioctl(port.fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) != 0) return false;
        ports_.push_back(port);
        return true;
    }

    bool count() const {
        for (const auto& [ends, bytes] : carried_)
            std::cout << ports_[ends.first].name << ' ' << ports_[ends.second].name << ' ' << bytes << '\n';
        return true;
    }

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
            std::cout << (command(words) ? "ok" : "error") << std::endl;
        }
        return true;
    }

    void read_frames(std::size_t from, Time now) {
        std::array<char, 70000> buffer;
        for (int i = 0; i < 64; ++i) {
            const auto count = read(ports_[from].fd, buffer.data(), buffer.size());
            if (count < static_cast<ssize_t>(prefix_ + ethernet)) return;
            take(from, now, std::make_shared<const Bytes>(buffer.data(), buffer.data() + count));
        }
    }

    void take(std::size_t from, Time now, const std::shared_ptr<const Bytes>& bytes) {
        auto& sender = ports_[from];
        const char* frame = bytes->data() + prefix_;
        std::memcpy(sender.mac.data(), frame + 6, 6);
        sender.known = true;
        Offload offload{};
        std::memcpy(&offload, bytes->data(), prefix_);
        const Weight weight =
            weigh(frame, bytes->size() - prefix_, offload.segmentation ? offload.segment : std::size_t{0});
        const auto out = sender.up.carry(now, weight.wire);
        if (!out) return;
        const bool to_all = (*frame & 1) != 0;
        for (std::size_t to = 0; to < ports_.size(); ++to) {
            const auto& receiver = ports_[to];
            const bool is_meant = to_all ? receiver.lan == sender.lan : !receiver.known || is_to(receiver, frame);
            if (to != from && is_meant) frames_.push({*out, order_++, from, to, 1, weight, bytes});
        }
    }

    static bool is_to(const Port& port, const char* frame) { return std::memcmp(frame, port.mac.data(), 6) == 0; }

    // The line that a frame is before; none once it has arrived.
    Line* next_line(Frame& frame) {
        const auto &sender = ports_[frame.from], &receiver = ports_[frame.to];
        const bool is_inside = sender.lan == receiver.lan;
        if (frame.hop == 1 && (is_inside || !sender.lan)) ++frame.hop;
        if (frame.hop == 2 && (is_inside || !receiver.lan)) ++frame.hop;
        switch (frame.hop++) {
            case 1:
                return &lans_[*sender.lan].up;
            case 2:
                return &lans_[*receiver.lan].down;
            case 3:
                return &ports_[frame.to].down;
            default:
                return nullptr;
        }
    }

    void deliver(Time now) {
        while (!frames_.empty() && frames_.top().when <= now) {
            Frame frame = frames_.top();
            frames_.pop();
            Line* line = next_line(frame);
            if (!line) {
                hand_over(frame);
            } else if (const auto out = line->carry(frame.when, frame.weight.wire)) {
                frame.when = *out;
                frames_.push(frame);
            }
        }
    }

    void hand_over(const Frame& frame) {
        const auto& receiver = ports_[frame.to];
        if (write(receiver.fd, frame.bytes->data(), frame.bytes->size()) < 0)
            return;  // a full device drops, as a real one
        if (is_to(receiver, frame.bytes->data() + prefix_)) carried_[{frame.from, frame.to}] += frame.weight.payload;
    }

    std::size_t prefix_;  // of each frame: what the kernel says of its checksum and its packets
    std::vector<Port> ports_;
    std::vector<Access> lans_;
    std::priority_queue<Frame> frames_;
    std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> carried_;
    std::uint64_t order_ = 0;
    bool commands_ = false;
};

}  // namespace

int main(int count, char** words) {
    Switch wires(count > 1 && std::string(words[1]) == "--segments");
    wires.run();
}
