// Fetch: one request on its way through libcurl, redirects included: reads the answer, holds it against the rules,
// gathers the body into larger buffers and puts events into the thread's outbox. Not here: the multi handle and its
// loop (curl_thread.hpp). CurlThread's.
#pragma once

#include "p2p/web/delivery.hpp"
#include "p2p/web/easy.hpp"

namespace packswarm::web {

// What a fetch needs of curl's thread.
struct FetchSite {
    const HttpSettings& settings;
    Backlog& backlog;
    Events& outbox;
    ByteCount& arrived;  // of bodies, in this round
};

class Fetch final : public AnswerSink {
  public:
    Fetch(broker::FetchId id, broker::MirrorRequest request, Address address, FetchSite site);
    ~Fetch() override;
    Fetch(const Fetch&) = delete;
    Fetch& operator=(const Fetch&) = delete;

    Easy& easy() { return easy_; }
    broker::FetchId id() const { return id_; }
    bool is_paused() const { return paused_; }
    const Address& address() const { return address_; }
    const std::string& host() const { return host_; }  // empty: an address in figures
    TimePoint started() const { return started_; }
    bool is_guarded() const { return request_.terms.guard.has_value(); }
    bool is_silent_on_kept_connection() const;
    bool awaits_answer() const { return !head_done_ && !concluded_; }
    bool is_amid_large_body() const;  // much is still to come, and a moment more or less delays nobody
    void begin(TimePoint now);        // before each time the handle joins the multi

    // The caller has lost interest. True: let it run on unheard, since the little that is left costs less than a new
    // connection.
    bool abandon();
    void resume(TimePoint now);
    // What time demands: sends gathered bytes on their way. The next time to look again; nothing when the fetch is
    // overdue.
    std::optional<TimePoint> tend(TimePoint now);
    void fail_overdue(TimePoint now);  // after tend gave nothing
    enum class Next { gone, ask_again };
    Next ended(CURLcode code);  // the transfer is over: ask_again after a redirect

    std::size_t header(const char* line, std::size_t count) override;
    std::size_t body(const char* bytes, std::size_t count) override;

  private:
    static curl_socket_t open_socket(void* fetch, curlsocktype purpose, curl_sockaddr* address);
    std::size_t trailer(std::size_t count);
    Result<void> read_head(int status);
    Result<void> follow();
    void gather(const char* bytes, std::size_t count);
    bool let_run_out(ByteCount rest);
    void flush();
    void conclude(Result<void> result);
    std::optional<ByteCount> asked_length() const;

    const broker::FetchId id_;
    const broker::MirrorRequest request_;
    const FetchSite site_;
    Wanted wanted_;
    Address address_;
    std::string host_;
    std::optional<Address> next_address_;
    int redirects_ = 0;
    std::optional<std::string> guarded_against_;  // why the last connection was not made
    AnswerHead head_;
    BodyGauge gauge_;
    bool head_done_ = false;  // of the final answer
    bool concluded_ = false;  // done is in the outbox, or nobody listens: the rest is drained
    bool paused_ = false;
    ByteCount drained_ = 0;
    std::size_t trailer_bytes_ = 0;
    Bytes gathered_;
    ByteCount gathered_at_ = 0;
    std::size_t buffer_bytes_ = 0;
    TimePoint started_{}, last_byte_{}, last_flush_{}, drain_until_{};
    Easy easy_;
};

}  // namespace packswarm::web
