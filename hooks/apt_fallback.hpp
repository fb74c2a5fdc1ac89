// AptFallback: apt's own methods, one process per host as apt itself would start them, for what the agent does not
// deliver. Their replies are relayed as they are. Not here: deciding what falls back. One thread. Errors: none leave;
// what cannot be done is answered with apt's 400, so that apt retries or says so.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hooks/apt_own_method.hpp"

namespace packswarm::hooks {

class AptFallback {
  public:
    explicit AptFallback(std::string program) : program_(std::move(program)) {}

    // What every child is told first: the 601 as it came.
    void configure(std::string configuration) { configuration_ = std::move(configuration); }
    // A child that starts now, still with this process's privileges, for hosts that need what only root may read.
    void prepare_privileged();

    enum class Login { none, needed };
    void acquire(const std::string& uri, const std::string& raw, const Error& reason, Login login);

    std::vector<AptOwnMethod*> children();
    void on_ready(AptOwnMethod& child, short events);  // poll's revents on either pipe
    std::string take_replies() { return std::exchange(replies_, {}); }

  private:
    static constexpr std::size_t max_hosts = 10;  // apt's own limit (Acquire::QueueHost::Limit)
    Result<AptOwnMethod*> child_for(const std::string& key);
    void relay(const std::vector<std::string>& messages);
    void explain_failure(const AptMessage& failure);
    void bury(AptOwnMethod& child, const Error& reason);
    void refuse(const std::string& uri, const Error& reason);

    std::string program_, configuration_;
    std::map<std::string, std::unique_ptr<AptOwnMethod>> children_;  // by host; "" is the privileged one
    std::map<std::string, std::string> reasons_;                     // by address: why the agent did not do it
    std::string last_explained_;
    std::string replies_;
};

}  // namespace packswarm::hooks
