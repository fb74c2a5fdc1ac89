// Who comes to the agent, by the name that its hook gives, and what is known of it beyond its requests.
#pragma once

#include <string_view>

namespace packswarm::broker {

struct Manners {
    bool has_other_way = false;  // gets by itself what is not got here
    bool obeys_dates = false;    // does not take an answer that is older than its copy
};
Manners manners_of(std::string_view asker);

}  // namespace packswarm::broker
