// Option: one thing that the owner can set, declared once (options.cpp): name, place, range, prose, and whether a
// reload applies it. Reader, command line, printed file, manual page and reload follow from that. Defaults: Config.
// Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "p2p/daemon/config.hpp"
#include "p2p/daemon/place.hpp"

namespace packswarm::daemon {

enum class Applied { by_reload, by_restart };

struct Option {
    const char* section;  // empty: at the top of the file
    const char* name;
    Place<Config> place;
    Applied applied;
    const char* help;       // one or two sentences
    const char* more = "";  // what else the manual page says, with \fB, \fI and \fR of man(7)

    std::string full_name() const;  // "swarm.listen"
};
std::span<const Option> options();
const Option* find_option(std::string_view section, std::string_view name);

struct RepositoryKey {  // of a [[repository]] table
    const char* name;
    Place<RepositoryConfig> place;
    const char* example;  // as it is written
    const char* note;     // beside the example
    const char* more;     // in the manual page
};
std::span<const RepositoryKey> repository_keys();

// As it is written in the file.
std::string value_text(const Value& value, Type type);

// What a restart is needed for stays in fresh as it is in running; the full names of what was changed so.
std::vector<std::string> keep_until_restart(const Config& running, Config& fresh);

}  // namespace packswarm::daemon
