// TextTable: aligned columns for people, and numbers as people write them. Not here: what the columns mean, and making
// foreign text printable (base/log.hpp), which is the caller's. Any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "p2p/base/units.hpp"

namespace packswarm::cli {

class TextTable {
  public:
    // A heading that starts with '>' makes its column flush right.
    explicit TextTable(std::initializer_list<std::string_view> headings);
    void add(std::vector<std::string> cells);
    bool empty() const { return rows_.empty(); }
    std::string text() const;  // no blanks at line ends

  private:
    std::vector<std::string> headings_;
    std::vector<bool> right_;
    std::vector<std::vector<std::string>> rows_;
};

std::string show_bytes(ByteCount bytes);           // "512 B", "1.4 MiB"
std::string show_rate(double bytes_per_second);    // "1.4 MiB/s"
std::string show_seconds(double seconds);          // "0.42 s", "3 min 5 s", "2 h 1 min", "4 d 3 h"
std::string show_time(std::int64_t unix_seconds);  // "2026-05-17 08:30 UTC"

}  // namespace packswarm::cli
