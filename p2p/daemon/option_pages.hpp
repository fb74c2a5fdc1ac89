// What is printed of the options (option.hpp): command line, commented file, manual page. Pure.
#pragma once

#include <string>
#include <vector>

namespace packswarm::daemon {

// One option as the command line sees it.
struct OptionText {
    std::string name;   // "swarm.listen"
    std::string prose;  // with its default
};
std::vector<OptionText> option_texts();

// The commented default file.
std::string default_file();

// packswarm.toml(5) in man(7): contrib/man/packswarm.toml.5 is exactly this.
std::string manual_page();

}  // namespace packswarm::daemon
