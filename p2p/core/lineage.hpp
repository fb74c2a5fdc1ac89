// Lineage: where agents that may have a repository in common meet, as a value made of its name. Computable before any
// root was seen. Not here: its infohash (swarm/discovery/rendezvous.hpp), which product a root belongs to
// (kinship.hpp). Any thread.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "p2p/core/format.hpp"

namespace packswarm::core {

// A Debian InRelease vouches for every component at once, so the component is not part of it: one announce and one
// connection per suite and architecture. Several products may meet in one lineage.
class Lineage final {
  public:
    Lineage() = default;  // none: private, or not known
    // signer: primary key that signs the root. suite: codename or suite as in Debian's root; pacman: repository name.
    Lineage(Format format, std::string_view signer, std::string_view suite, std::string_view architecture);
    // From a name that was kept. None: no lineage has such a name.
    static std::optional<Lineage> parse(std::string name);

    // "debian/FPR/bookworm/amd64": what the rendezvous infohash is made of. A suite may have '/' in it.
    const std::string& name() const { return name_; }
    bool empty() const { return name_.empty(); }
    std::string_view format() const { return between(0, signer_at_); }
    std::string_view signer() const { return between(signer_at_, suite_at_); }
    std::string_view suite() const { return between(suite_at_, architecture_at_); }
    std::string_view architecture() const { return std::string_view(name_).substr(architecture_at_); }

    friend bool operator==(const Lineage& a, const Lineage& b) { return a.name_ == b.name_; }
    friend auto operator<=>(const Lineage& a, const Lineage& b) { return a.name_ <=> b.name_; }

  private:
    // end: where the next part begins, behind a '/'.
    std::string_view between(std::size_t begin, std::size_t end) const {
        return std::string_view(name_).substr(begin, end == 0 ? 0 : end - 1 - begin);
    }

    std::string name_;
    std::size_t signer_at_ = 0, suite_at_ = 0, architecture_at_ = 0;
};

}  // namespace packswarm::core

template <>
struct std::hash<packswarm::core::Lineage> {
    std::size_t operator()(const packswarm::core::Lineage& lineage) const noexcept {
        return std::hash<std::string>()(lineage.name());
    }
};

template <>
struct fmt::formatter<packswarm::core::Lineage> : fmt::formatter<std::string_view> {
    auto format(const packswarm::core::Lineage& lineage, fmt::format_context& context) const {
        return fmt::formatter<std::string_view>::format(lineage.name(), context);
    }
};
