#include "p2p/cli/progress_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "p2p/base/log.hpp"
#include "p2p/cli/text_table.hpp"

namespace packswarm::cli {
namespace {

constexpr Millis interval{100};
constexpr std::size_t bar_width = 24, name_width = 32;

std::size_t width_of(std::FILE* terminal) {
    winsize size{};
    if (::ioctl(::fileno(terminal), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 79;
    return size.ws_col - 1u;
}

}  // namespace

std::string progress_line(const FetchProgress& progress, double seconds, std::size_t width) {
    const double share =
        progress.size > 0
            ? std::clamp(static_cast<double>(progress.received) / static_cast<double>(progress.size), 0.0, 1.0)
            : 0;
    const auto filled = static_cast<std::size_t>(share * bar_width);
    const auto rate = seconds > 0 ? static_cast<double>(progress.received) / seconds : 0;
    const auto count = progress.files > 1 ? fmt::format("  {}/{}", progress.files_done, progress.files) : std::string();
    auto line =
        fmt::format("{:<{}}{}  [{}{}] {:3.0f}%  {}", printable(progress.name, name_width), name_width, count,
                    std::string(filled, '#'), std::string(bar_width - filled, '-'), share * 100, show_rate(rate));
    if (line.size() > width) line.resize(width);
    return line;
}

ProgressBar::ProgressBar(std::FILE* terminal)
    : terminal_(terminal), is_terminal_(::isatty(::fileno(terminal)) == 1), start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
    if (is_drawn_) std::fputs("\r\033[K", terminal_);
}

void ProgressBar::draw(const FetchProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (!is_terminal_ || now - last_ < interval) return;
    last_ = now;
    is_drawn_ = true;
    std::fprintf(terminal_, "\r\033[K%s",
                 progress_line(progress, seconds_between(start_, now), width_of(terminal_)).c_str());
    std::fflush(terminal_);
}

void ProgressBar::print_above(const std::string& line) {
    if (is_drawn_) std::fputs("\r\033[K", terminal_);
    std::fprintf(terminal_, "%s\n", printable(line, 500).c_str());
}

}  // namespace packswarm::cli
