// MirrorClient: fills broker::Mirrors with libcurl. One thread drives one curl multi handle; requests go in from the
// loop's thread and events come back to it as values. Not here: which mirror to ask, retries, blame (broker and core).
// Build, use and destroy on the loop's thread; destruction takes a few milliseconds and no event follows it.
#pragma once

#include <memory>

#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/mirrors.hpp"
#include "p2p/web/http_settings.hpp"

namespace packswarm::web {

class Delivery;
class CurlThread;

class MirrorClient final : public broker::Mirrors {
  public:
    explicit MirrorClient(Loop& loop, HttpSettings settings = {});
    ~MirrorClient() override;
    broker::FetchId start(broker::MirrorRequest request, broker::MirrorEvents events) override;
    void cancel(broker::FetchId fetch) override;

  private:
    Loop& loop_;
    std::shared_ptr<Delivery> delivery_;
    std::unique_ptr<CurlThread> curl_thread_;
    std::uint64_t last_id_ = 0;
};

}  // namespace packswarm::web
