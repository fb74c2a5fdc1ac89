#include "p2p/core/lineage.hpp"

#include <utility>

namespace packswarm::core {

Lineage::Lineage(Format format, std::string_view signer, std::string_view suite, std::string_view architecture)
    : name_(fmt::format("{}/{}/{}/{}", to_string(format), signer, suite, architecture)),
      signer_at_(to_string(format).size() + 1),
      suite_at_(signer_at_ + signer.size() + 1),
      architecture_at_(suite_at_ + suite.size() + 1) {}

std::optional<Lineage> Lineage::parse(std::string name) {
    const auto first = name.find('/');
    const auto second = first == std::string::npos ? first : name.find('/', first + 1);
    const auto last = name.rfind('/');
    if (second == std::string::npos || last == second) return std::nullopt;
    Lineage out;
    out.name_ = std::move(name);
    out.signer_at_ = first + 1;
    out.suite_at_ = second + 1;
    out.architecture_at_ = last + 1;
    for (const auto part : {out.format(), out.signer(), out.suite(), out.architecture()})
        if (part.empty()) return std::nullopt;
    return out;
}

}  // namespace packswarm::core
