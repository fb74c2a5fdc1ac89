// AptFallback: apt's own methods, one process per host as apt itself would start them, for what the agent does not
// deliver. Their replies are relayed as they are, but no item begins twice, and a file that went on from what the agent
// left and came out wrong, or did not grow, is fetched once more from its start. Where the agent gave a root that its
// server does not have yet, a list's failure there is one of the moment. Not here: deciding what falls back.
// One thread. Errors: none leave; what cannot be done is answered with apt's 400, so that apt retries or says so.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hooks/apt/agent.hpp"
#include "hooks/apt/own_method.hpp"

namespace packswarm::hooks {

class AptFallback {
  public:
    // told: apt is shown why the agent did not do what its own method fails at, too.
    enum class Reasons { kept_back, told };
    explicit AptFallback(std::string program, Reasons reasons = Reasons::kept_back)
        : program_(std::move(program)), tells_reasons_(reasons == Reasons::told) {}

    // configuration: what every child is told first, the 601 as it came. processes: how many there may be; with one,
    // all hosts share it, as they do where apt counts them together (Acquire::http::Dl-Limit).
    void configure(std::string configuration, std::size_t processes);
    // A child that starts now, still with this process's privileges, for hosts that need what only root may read.
    void prepare_privileged();

    enum class Login { none, needed };
    void acquire(HandedOver item, Login login);

    std::vector<AptOwnMethod*> children();
    void on_ready(AptOwnMethod& child, short events);  // poll's revents on either pipe
    std::string take_replies() { return std::exchange(replies_, {}); }
    std::vector<AptMessage> take_failures() { return std::exchange(failures_, {}); }  // the 400s among them

  private:
    Result<AptOwnMethod*> child_for(const std::string& key);
    void relay(AptOwnMethod& child, const std::vector<std::string>& messages);
    bool is_for_apt(AptOwnMethod& child, const AptMessage& message);
    bool is_of_anothers_root(const AptMessage& failure) const;
    void explain_failure(const HandedOver& item);
    void bury(AptOwnMethod& child, const Error& reason);
    void refuse(const std::string& uri, const Error& reason);

    std::string program_, configuration_;
    std::size_t max_processes_ = 1;
    std::map<std::string, std::unique_ptr<AptOwnMethod>> children_;  // by host; "" is the privileged one
    std::map<std::string, HandedOver> open_;                         // by address: what the agent had before
    bool tells_reasons_;
    std::string last_explained_;
    std::string replies_;
    std::vector<AptMessage> failures_;
};

}  // namespace packswarm::hooks
