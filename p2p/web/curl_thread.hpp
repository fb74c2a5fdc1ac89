// CurlThread: the thread that drives one curl multi handle. Commands come in through a small queue, events leave in
// batches by Loop::post. Not here: the rules of HTTP (fetch.hpp, answer.hpp). Built and destroyed on the loop's thread;
// start, cancel and wake from there too.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "p2p/web/fetch.hpp"
#include "p2p/web/moved_hosts.hpp"

namespace packswarm::web {

class CurlThread {
  public:
    CurlThread(Loop& loop, HttpSettings settings, std::weak_ptr<Delivery> delivery, std::shared_ptr<Backlog> backlog);
    ~CurlThread();
    CurlThread(const CurlThread&) = delete;
    CurlThread& operator=(const CurlThread&) = delete;

    void start(broker::FetchId fetch, broker::MirrorRequest request, Address address);
    void cancel(broker::FetchId fetch);
    void wake();  // the loop has taken bytes: paused fetches may go on

  private:
    struct Start {
        broker::FetchId fetch;
        broker::MirrorRequest request;
        Address address;
    };
    struct Cancel {
        broker::FetchId fetch;
    };
    struct Close {};
    using Command = std::variant<Start, Cancel, Close>;

    void send(Command command);
    void run();
    bool obey_commands();  // false: close
    void obey(Start& start);
    void obey(const Cancel& cancel);
    void launch(Fetch& fetch);
    void drop(broker::FetchId fetch);
    void choose_connection(Fetch& fetch);
    bool leave_moved(Fetch& fetch, TimePoint now);
    std::optional<Error> distrust_of(const std::string& origin) const;
    void reap();
    void resume_paused();
    int tend_all();  // milliseconds until something is due
    void post_outbox();
    void let_gather(int wait_ms);

    struct ReleaseMulti {
        void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
    };
    struct ReleaseShare {
        void operator()(CURLSH* share) const { ::curl_share_cleanup(share); }
    };
    Loop& loop_;
    const HttpSettings settings_;
    const std::weak_ptr<Delivery> delivery_;
    const std::shared_ptr<Backlog> backlog_;

    std::mutex commands_mutex_;
    std::condition_variable commanded_;
    std::vector<Command> commands_;

    Events outbox_;
    ByteCount arrived_ = 0;  // of bodies, in this round
    Millis nap_{1};
    std::unique_ptr<CURLSH, ReleaseShare> tls_sessions_;  // spares later connections a part of the handshake
    std::unique_ptr<CURLM, ReleaseMulti> multi_;
    std::unordered_map<broker::FetchId, std::unique_ptr<Fetch>> fetches_;
    struct Distrust {
        Error error;
        TimePoint until{};
    };
    std::unordered_map<std::string, Distrust> distrusted_;  // servers whose certificate was not believed, by origin
    class Bell;                                             // lookups may ring when the thread is gone
    std::shared_ptr<Bell> bell_;
    std::unique_ptr<MovedHosts> hosts_;
    std::thread thread_;
};

}  // namespace packswarm::web
