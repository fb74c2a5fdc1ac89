#include "p2p/broker/given_roots.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"

namespace packswarm::broker {

namespace {
constexpr std::size_t max_given = 256;  // of a few KiB each; a signature is asked for right after its root
}

void GivenRoots::gave(Given given) {
    forget(given.transaction, given.root_url);
    given_.push_back(std::move(given));
    if (given_.size() > max_given) given_.pop_front();
}

void GivenRoots::forget(const std::string& transaction, const std::string& root_url) {
    std::erase_if(given_, [&](const Given& one) { return one.transaction == transaction && one.root_url == root_url; });
}

const GivenRoots::Given* GivenRoots::find(const std::string& transaction, const std::string& root_url) const {
    const auto at = std::find_if(given_.begin(), given_.end(), [&](const Given& one) {
        return one.transaction == transaction && one.root_url == root_url;
    });
    return at == given_.end() ? nullptr : &*at;
}

void GivenRoots::served(const RootAddress& address, Given given) {
    if (last_.size() > limits::max_sighted) last_.clear();
    last_[address] = std::move(given);
}

const GivenRoots::Given* GivenRoots::last_at(const RootAddress& address) const {
    const auto at = last_.find(address);
    return at == last_.end() ? nullptr : &at->second;
}

}  // namespace packswarm::broker
