#include "p2p/web/curl_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>

#include "p2p/base/log.hpp"

namespace packswarm::web {

namespace {

constexpr long kept_connections = 128;   // idle ones stay for the next request; far more than mirrors times fetches
constexpr long idle_connection_s = 110;  // below what NATs forget; libcurl notices when the server was quicker

// A name's address is asked for whenever a connection is opened, and again when one that was kept open says nothing for
// so long.
constexpr long remembered_name_s = 0;
constexpr auto doubt_after = Millis(250);
constexpr auto fresh_for =
    Seconds(2);  // after a name has moved; then what was opened before is told apart by its age in seconds
constexpr auto distrust_for =
    Seconds(60);  // a certificate that was not believed: others at that server would not be either
constexpr std::size_t max_distrusted = 256;

constexpr ByteCount read_empty = 64 * limits::kib;  // a round that brought less left nothing in the sockets
constexpr ByteCount little_at_once = 16 * limits::kib;
constexpr Millis shortest_nap(1), longest_nap(4);

// glibc hands freed memory back to the kernel beyond a threshold of twice the largest block that was ever mapped and
// freed. With its start value every received byte is paid for with a page fault, more than doubling the CPU per byte:
// raise it once.
void keep_freed_buffers(ByteCount held_at_once) {
    void* volatile block = std::malloc(static_cast<std::size_t>(2 * held_at_once));
    std::free(block);
}

// Signals are the daemon's business: curl's thread and the resolver threads it starts take none.
class NoSignals {
  public:
    NoSignals() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

HttpSettings bounded(HttpSettings settings) {
    settings.max_unread = std::min(settings.max_unread, limits::max_unread);
    return settings;
}

}  // namespace

class CurlThread::Bell {
  public:
    explicit Bell(CURLM* multi) : multi_(multi) {}
    void ring() {
        const std::lock_guard lock(mutex_);
        if (multi_ != nullptr) ::curl_multi_wakeup(multi_);
    }
    void still() {
        const std::lock_guard lock(mutex_);
        multi_ = nullptr;
    }

  private:
    std::mutex mutex_;
    CURLM* multi_;
};

CurlThread::CurlThread(Loop& loop, HttpSettings settings, std::weak_ptr<Delivery> delivery,
                       std::shared_ptr<Backlog> backlog)
    : loop_(loop),
      settings_(bounded(std::move(settings))),
      delivery_(std::move(delivery)),
      backlog_(std::move(backlog)) {
    start_libcurl();
    keep_freed_buffers(settings_.max_unread);
    tls_sessions_.reset(::curl_share_init());
    multi_.reset(::curl_multi_init());
    ::curl_share_setopt(tls_sessions_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    // One request at a time on a connection, with HTTP/2 too: how many run side by side is the broker's choice, a large
    // body does not hold up a small one, and libcurl 7.88 leaves answers lying when streams share a connection until
    // the next event on it (seen: one batch of twenty in thirty stood still for the whole stall timeout).
    ::curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    ::curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kept_connections);
    bell_ = std::make_shared<Bell>(multi_.get());
    hosts_ = std::make_unique<MovedHosts>([bell = bell_] { bell->ring(); });
    const NoSignals blocked;
    thread_ = std::thread([this] { run(); });
}

CurlThread::~CurlThread() {
    send(Close{});
    thread_.join();
    bell_->still();
    for (auto& [id, fetch] : fetches_) ::curl_multi_remove_handle(multi_.get(), fetch->easy().get());
    fetches_.clear();
}

void CurlThread::start(broker::FetchId fetch, broker::MirrorRequest request, Address address) {
    send(Start{fetch, std::move(request), std::move(address)});
}

void CurlThread::cancel(broker::FetchId fetch) { send(Cancel{fetch}); }

void CurlThread::wake() { ::curl_multi_wakeup(multi_.get()); }

void CurlThread::send(Command command) {
    bool first = false;
    {
        const std::lock_guard lock(commands_mutex_);
        first = commands_.empty();
        commands_.push_back(std::move(command));
    }
    if (!first) return;
    commanded_.notify_one();
    wake();
}

void CurlThread::run() {
    while (obey_commands()) {
        int running = 0;
        arrived_ = 0;
        ::curl_multi_perform(multi_.get(), &running);
        reap();
        resume_paused();
        const int wait_ms = tend_all();
        post_outbox();
        let_gather(wait_ms);
        ::curl_multi_poll(multi_.get(), nullptr, 0, wait_ms, nullptr);
    }
}

// Of a large body the kernel would wake this thread for every other packet, which costs more than all else that is done
// with the bytes. So packets are let come together, for about the time that their line takes for little_at_once; for a
// moment only while an answer is waited for, since how soon it begins and how fast it goes on is a measure of its
// mirror.
void CurlThread::let_gather(int wait_ms) {
    const auto waits = [](const auto& one) { return one.second->awaits_answer(); };
    const auto is_large = [](const auto& one) { return one.second->is_amid_large_body(); };
    if (arrived_ == 0 || arrived_ >= read_empty || std::none_of(fetches_.begin(), fetches_.end(), is_large)) return;
    const auto longest = std::any_of(fetches_.begin(), fetches_.end(), waits) ? shortest_nap : longest_nap;
    nap_ = std::clamp(arrived_ < little_at_once ? nap_ * 2 : nap_ / 2, shortest_nap, longest);
    std::unique_lock lock(commands_mutex_);
    commanded_.wait_for(lock, std::min(nap_, Millis(wait_ms)), [this] { return !commands_.empty(); });
}

bool CurlThread::obey_commands() {
    std::vector<Command> commands;
    {
        const std::lock_guard lock(commands_mutex_);
        commands.swap(commands_);
    }
    for (auto& command : commands) {
        if (auto* start = std::get_if<Start>(&command))
            obey(*start);
        else if (auto* cancel = std::get_if<Cancel>(&command))
            obey(*cancel);
        else
            return false;
    }
    return true;
}

std::optional<Error> CurlThread::distrust_of(const std::string& origin) const {
    const auto at = distrusted_.find(origin);
    if (at == distrusted_.end() || std::chrono::steady_clock::now() >= at->second.until) return std::nullopt;
    return at->second.error;
}

void CurlThread::obey(Start& start) {
    if (auto distrust = distrust_of(start.address.origin)) {
        outbox_.emplace_back(start.fetch, Result<void>(tl::unexpected(std::move(*distrust))));
        return;
    }
    auto fetch = std::make_unique<Fetch>(start.fetch, std::move(start.request), std::move(start.address),
                                         FetchSite{settings_, *backlog_, outbox_, arrived_});
    if (!fetch->easy().get()) {
        outbox_.emplace_back(start.fetch, Result<void>(fail(ErrorKind::Broken, "libcurl gave no handle")));
        return;
    }
    auto& running = *fetch;
    fetches_.emplace(start.fetch, std::move(fetch));
    launch(running);
}

void CurlThread::launch(Fetch& fetch) {
    auto& easy = fetch.easy();
    easy.set(CURLOPT_PRIVATE, &fetch);
    easy.set(CURLOPT_MAXAGE_CONN, idle_connection_s);
    easy.set(CURLOPT_SHARE, tls_sessions_.get());
    easy.set(CURLOPT_DNS_CACHE_TIMEOUT, remembered_name_s);
    choose_connection(fetch);
    fetch.begin(std::chrono::steady_clock::now());
    ::curl_multi_add_handle(multi_.get(), easy.get());
}

// What was opened before its name moved leads to the old address.
void CurlThread::choose_connection(Fetch& fetch) {
    if (fetch.is_guarded()) {  // a kept one may lead where this one may not; and no other follows it
        fetch.easy().set(CURLOPT_FRESH_CONNECT, 1L);
        fetch.easy().set(CURLOPT_FORBID_REUSE, 1L);
        return;
    }
    const auto moved = hosts_->moved_at(fetch.host());
    if (!moved) return;
    const auto since = std::chrono::steady_clock::now() - *moved;
    fetch.easy().set(CURLOPT_FRESH_CONNECT, since < fresh_for ? 1L : 0L);
    if (since >= fresh_for)
        fetch.easy().set(CURLOPT_MAXLIFETIME_CONN, static_cast<long>(std::chrono::floor<Seconds>(since).count()));
}

// A request on a kept connection that gets no answer, while its name leads elsewhere by now, begins anew there.
bool CurlThread::leave_moved(Fetch& fetch, TimePoint now) {
    if (!fetch.is_silent_on_kept_connection() || now - fetch.started() < doubt_after) return false;
    hosts_->doubt(fetch.host(), now);
    if (!hosts_->leads_elsewhere(fetch.host(), fetch.easy().peer(), fetch.started())) return false;
    hosts_->moved(fetch.host(), now);
    ::curl_multi_remove_handle(multi_.get(), fetch.easy().get());
    launch(fetch);
    return true;
}

void CurlThread::obey(const Cancel& cancel) {
    const auto found = fetches_.find(cancel.fetch);
    if (found != fetches_.end() && !found->second->abandon()) drop(cancel.fetch);
}

void CurlThread::drop(broker::FetchId fetch) {
    const auto found = fetches_.find(fetch);
    ::curl_multi_remove_handle(multi_.get(), found->second->easy().get());
    fetches_.erase(found);
}

void CurlThread::reap() {
    int left = 0;
    while (const auto* message = ::curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* handle = message->easy_handle;
        const auto code = message->data.result;
        char* owner = nullptr;
        ::curl_easy_getinfo(handle, CURLINFO_PRIVATE, &owner);
        auto& fetch = *reinterpret_cast<Fetch*>(owner);
        if (code == CURLE_PEER_FAILED_VERIFICATION) {
            if (distrusted_.size() >= max_distrusted) distrusted_.clear();
            distrusted_[fetch.address().origin] = {fetch.easy().error(code),
                                                   std::chrono::steady_clock::now() + distrust_for};
        }
        const auto next = fetch.ended(code);
        ::curl_multi_remove_handle(multi_.get(), handle);
        if (next == Fetch::Next::ask_again)
            launch(fetch);
        else
            fetches_.erase(fetch.id());
    }
}

// Waits until half of the allowed bytes are taken, so that a slow loop gets larger pieces less often.
void CurlThread::resume_paused() {
    if (!backlog_->thread_waits || backlog_->bytes > settings_.max_unread / 2) return;
    backlog_->thread_waits = false;
    const auto now = std::chrono::steady_clock::now();
    for (auto& [id, fetch] : fetches_)
        if (fetch->is_paused()) fetch->resume(now);
}

int CurlThread::tend_all() {
    const auto now = std::chrono::steady_clock::now();
    auto next = now + Seconds(60);
    std::vector<broker::FetchId> overdue;
    for (auto& [id, fetch] : fetches_) {
        if (leave_moved(*fetch, now) || fetch->is_silent_on_kept_connection()) next = std::min(next, now + doubt_after);
        if (const auto due = fetch->tend(now))
            next = std::min(next, *due);
        else
            overdue.push_back(id);
    }
    for (const auto id : overdue) {
        fetches_.at(id)->fail_overdue(now);
        drop(id);
    }
    return static_cast<int>(std::chrono::ceil<Millis>(next - now).count());
}

void CurlThread::post_outbox() {
    if (outbox_.empty()) return;
    auto events = std::make_shared<Events>(std::move(outbox_));
    outbox_ = {};
    loop_.post([delivery = delivery_, events = std::move(events)] {
        if (const auto alive = delivery.lock()) alive->deliver(std::move(*events));
    });
}

}  // namespace packswarm::web
