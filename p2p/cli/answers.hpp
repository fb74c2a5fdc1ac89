// The agent's answers as text for people. What each answer holds is written in p2p/control/README.md; fields that are
// missing or of another kind are shown as "-", so that an older or newer agent can still be asked. Not here: asking.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "p2p/cli/apt_itself.hpp"

namespace packswarm::cli {

std::string show_answer(std::string_view op,
                        const std::string& json);  // op: status explain mirrors peers refresh doctor prefetch...
std::string indented(const std::string& json);     // for --json; the text itself when it is no JSON

struct DoctorSummary {
    int warnings = 0, failures = 0;
};
DoctorSummary count_checks(const std::string& json);
// One more check in a doctor answer, in front of the others.
struct Check {
    std::string name, state, message, remedy;  // state: ok, warn or fail
};
std::string with_checks(const std::string& doctor_json, const std::vector<Check>& local);
// What apt does by itself, added to an explain answer as "apt".
std::string with_apt(const std::string& explain_json, const std::vector<TakenByApt>& taken);

}  // namespace packswarm::cli
