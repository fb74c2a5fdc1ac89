// Connection: one client of the gateway: reads request heads, keeps up to limits::max_http_pipeline exchanges in hand,
// answers them in order. One coroutine; every wait is for "something happened" (news, input, room for output) with a
// deadline. It ties the two folders together: http/ is what HTTP says and knows no packages, sites/ is what a request
// means here. Not here: listening (gateway.cpp), what the broker says (exchange.hpp). Loop's thread.
#pragma once

#include <utility>  // before awaitable.hpp, which forgets it in Boost 1.74

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "p2p/base/fair_places.hpp"
#include "p2p/gateway/gateway.hpp"
#include "p2p/gateway/sites/exchange.hpp"

namespace packswarm::gateway {

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    struct Parts {
        broker::Requests& requests;
        Door door;
        Patience patience;
        std::function<std::string()> transaction;  // name for a request that comes now
        Asker asker = Asker::here;
        FairPlaces::Holder holder = {};  // whose place this connection has
    };
    Connection(boost::asio::ip::tcp::socket socket, Parts parts);

    void start(std::function<void()> closed);  // closed is called once, at the end
    void stop();                               // cancels what is in hand and closes
    const FairPlaces::Holder& holder() const { return parts_.holder; }
    bool is_idle() const { return turns_.empty(); }  // a head that has not come whole is no request
    TimePoint last_use() const { return std::max(idle_since_, moved_); }

  private:
    using Socket = boost::asio::ip::tcp::socket;
    template <class T>
    using Awaitable = boost::asio::awaitable<T>;
    using Turn = std::shared_ptr<Exchange>;

    static Awaitable<void> run(std::shared_ptr<Connection> self);
    Awaitable<bool> serve_next();  // false: close
    Awaitable<bool> answer(Turn turn);
    Awaitable<void> wait_for_answer(Turn turn);
    Awaitable<bool> send_file_answer(Turn turn);
    Awaitable<bool> send_body(Turn turn, ByteRange range);
    Awaitable<bool> send_text(std::string text, int flags);
    Awaitable<bool> send_end(Turn turn, ByteRange part);
    bool say_it_was_written_to() const;  // false
    Awaitable<bool> send_part(broker::SharedBytes bytes, ByteRange part);
    Awaitable<bool> wait_until_writable();
    Awaitable<void> linger();

    Awaitable<void> wait_for_change(TimePoint deadline);  // or the deadline
    bool can_answer(const Exchange& turn) const;
    bool is_sent_again(const Exchange& turn) const;
    void forget_sent();
    void something_happened();
    void watch_input();
    void take_input();
    void read_heads();
    TimePoint input_deadline() const;
    bool is_gone() const { return stopped_ || eof_; }

    Socket socket_;
    Parts parts_;
    std::function<void()> closed_;
    boost::asio::steady_timer bell_;
    std::string input_;
    std::deque<Turn> turns_;
    Turn sent_again_;                  // until it is asked for again: what has come of it stays
    std::optional<Problem> bad_head_;  // answered after the turns before it
    TimePoint idle_since_;
    TimePoint moved_;                         // the client took bytes
    std::optional<TimePoint> partial_since_;  // a head has begun
    bool changed_ = false, watching_input_ = false, watching_output_ = false, writable_ = true;
    bool eof_ = false, stopped_ = false, last_head_read_ = false;
};

}  // namespace packswarm::gateway
