#include "p2p/plan/strangers.hpp"

#include <algorithm>

#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

bool is_security_suite(std::string_view suite) { return suite.ends_with("-security") || suite.ends_with("/updates"); }

bool asks_strangers(const Board& board, const Want& want, const Asking& asking, TimePoint now) {
    const bool mirrors_left = std::any_of(want.mirrors.begin(), want.mirrors.end(), [&](SourceId id) {
        const auto mirror = board.sources.find(id);
        return want.barred.count(id) == 0 && mirror != board.sources.end() && mirror->second.usable;
    });
    if (asking.is_security && (mirrors_left || asking.skips_mirrors)) return false;
    return !mirrors_left || !want.is_small() || now - want.created >= tuning::strangers_wait;
}

}  // namespace packswarm::plan
