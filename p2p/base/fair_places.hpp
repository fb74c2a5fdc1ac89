// FairPlaces: who gives a place up when all of a limited number are taken. Holders are counted in groups (a network, or
// this machine) and in a group by member (an address, or a user): nobody holds more than others only because of having
// come first. Pure. Any thread, one at a time.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace packswarm {

class FairPlaces {
  public:
    struct Holder {
        std::string group, member;
        bool operator==(const Holder&) const = default;
    };
    explicit FairPlaces(std::size_t places) : places_(places) {}

    void take(const Holder& holder);
    void leave(const Holder& holder);
    bool are_all_taken() const { return taken_ >= places_; }
    std::size_t taken() const { return taken_; }
    std::size_t held_by(const Holder& holder) const;
    // Who holds so much that one more for the newcomer would still be less; the newcomer's own name when it would have
    // to be one of its own; none when everybody else holds no more than it would.
    std::optional<Holder> gives_way(const Holder& newcomer) const;

  private:
    struct Group {
        std::size_t taken = 0;
        std::map<std::string, std::size_t> members;
    };
    const std::size_t places_;
    std::size_t taken_ = 0;
    std::map<std::string, Group> groups_;
};

}  // namespace packswarm
