// ProgressBar: one line on a terminal that is drawn over itself, at most ten times a second. Nothing when it is no
// terminal.
#pragma once

#include <cstdio>
#include <string>

#include "p2p/cli/fetch.hpp"

namespace packswarm::cli {

class ProgressBar {
  public:
    explicit ProgressBar(std::FILE* terminal);
    ~ProgressBar();  // removes it
    void draw(const FetchProgress& progress);
    void print_above(const std::string& line);  // a line that stays

  private:
    std::FILE* terminal_;
    bool is_terminal_ = false, is_drawn_ = false;
    TimePoint last_{}, start_{};
};

// The line itself, at most width places: "name  3/20  [#####-----]  52%  1.4 MiB/s".
std::string progress_line(const FetchProgress& progress, double seconds, std::size_t width);

}  // namespace packswarm::cli
