// AptMethod: apt's download method for http and https (apt: doc/method.dbk): one poll loop between apt, the agent and,
// for what the agent does not deliver, apt's own method. Whatever happens to the agent, apt gets the answers it would
// have got without us. Errors: none leave. One thread.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "hooks/apt/agent.hpp"
#include "hooks/apt/fallback.hpp"
#include "hooks/apt/retries.hpp"
#include "hooks/apt/route.hpp"

namespace packswarm::hooks {

struct AptMethodSettings {
    std::string scheme;         // "http" or "https", as apt calls us
    std::string called_as;      // argv[0]: apt puts the name there that its own method would have
    int input = 0, output = 1;  // apt's pipes
};

class AptMethod {
  public:
    explicit AptMethod(AptMethodSettings settings);
    int run();  // until apt closes its end; the exit status

  private:
    enum class Flow { going, ended };
    Flow round();
    Flow read_apt();
    Flow write_apt();
    Flow on_message(const std::string& raw);
    Flow configure(const AptMessage& message, const std::string& raw);
    void acquire(const AptMessage& message, const std::string& raw);
    void later(TimePoint due, std::function<void()> task);
    void on_time();
    void collect();
    int timeout_ms() const;

    AptMethodSettings settings_;
    AptMessageReader reader_;
    std::string outgoing_;
    AptRoute route_;
    std::string forced_hash_;  // Acquire::ForceHash
    AptAgent agent_;
    AptFallback fallback_;
    AptRetries retries_;
    std::multimap<TimePoint, std::function<void()>> later_;
};

// Where apt's own method of that scheme is, given what is configured: never this very program.
std::string own_method_program(const AptConfig& config, const std::string& called_as, const std::string& scheme);

}  // namespace packswarm::hooks
