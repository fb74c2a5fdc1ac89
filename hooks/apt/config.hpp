// AptConfig: apt's configuration as a 601 message hands it to a method: flat keys, case-insensitive, values
// percent-encoded. Binary::<method>:: keys stand before the plain ones, as in apt's own methods. Not here: reading
// apt.conf. Any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/apt/message.hpp"

namespace packswarm::hooks {

struct AptSetting {
    std::string key, value;  // key: where it stands, as apt.conf(5) writes it; value: empty when not set
};

class AptConfig {
  public:
    AptConfig() = default;
    AptConfig(const AptMessage& configuration, std::string_view binary);

    std::string find(std::string_view key) const;  // empty when not set
    bool find_bool(std::string_view key, bool otherwise) const;
    // An option of a transport: for the host or for all of them, of https or else of http; the most specific one that
    // is not empty.
    AptSetting find_for(const std::string& scheme, const std::string& host, const std::string& name) const;
    // A file or folder name joined with its parents' values up to the first absolute one, as apt does: Dir::Etc::netrc.
    std::string find_path(std::string_view key) const;

  private:
    std::map<std::string, std::string> values_;  // by key in lower case
};

}  // namespace packswarm::hooks
