// Exchange: the broker's side of one HTTP request: asks for the file (and, where its package manager wants both, for
// its signature beside it) and remembers what is known so far. Not here: the client's side (connection.hpp). Loop's
// thread.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "p2p/broker/requests.hpp"
#include "p2p/gateway/sites/site_request.hpp"

namespace packswarm::gateway {

enum class Asker { here, elsewhere };  // on this machine, or on another that the owner allowed

struct Client {
    Asker asker = Asker::here;
    std::string user = {};  // "user 1000", "192.0.2.7"
};

class Exchange {
  public:
    // changed is called after every piece of news, from the loop.
    Exchange(broker::Requests& requests, SiteRequest request, Client client, std::function<void()> changed);
    ~Exchange() { cancel(); }
    Exchange(const Exchange&) = delete;

    void begin(const std::string& transaction);
    void cancel();  // no news after this

    const Head& head() const { return request_.head; }
    bool may_be_sent_again() const { return request_.may_be_sent_again; }
    const std::optional<Problem>& problem() const { return problem_; }
    bool is_not_modified() const;
    // The size is known and, for a package, so is that its signature can be had: an answer's head may be sent.
    bool is_described() const { return !needs_signature_ && (started_ || delivered_); }
    bool is_complete() const { return !needs_signature_ && delivered_; }
    ByteCount size() const;                           // of the whole file
    const std::optional<broker::Part>& part() const;  // what bytes() holds, when that is not the whole
    std::optional<WallTime> modified() const;
    ByteCount safe() const;             // bytes before this offset of the file may be sent before is_complete
    broker::SharedBytes bytes() const;  // when described
    // Nobody has written to the bytes since they were handed over: once it is complete.
    bool is_as_delivered() const;
    ByteCount first_byte() const { return part() ? part()->range.begin : 0; }  // of bytes(), in the file
    TimePoint last_news() const { return last_news_; }
    TimePoint asked() const { return asked_; }
    TimePoint last_sign() const { return std::max(last_news_, requests_.last_sign()); }  // of life, from any source
    void give_up(Problem problem);                                                       // as if the broker had failed

  private:
    void ask_for_file(const std::string& url, const std::string& transaction);
    void ask_for_signature(const std::string& url, const std::string& transaction);
    broker::Terms terms() const;
    broker::Request request_for(const std::string& url, const std::string& transaction) const;
    void news();

    broker::Requests& requests_;
    SiteRequest request_;
    Client client_;
    std::function<void()> changed_;
    broker::RequestId file_request_ = broker::RequestId::none;
    broker::RequestId signature_request_ = broker::RequestId::none;
    core::PackageSignatures signatures_ = core::PackageSignatures::not_demanded;  // of the package that is asked for
    bool needs_signature_ = false;                                                // still to come
    bool not_modified_ = false;
    std::optional<broker::Started> started_;
    std::optional<broker::Delivered> delivered_;
    std::optional<FileInfo> as_delivered_;
    ByteCount safe_ = 0;
    std::optional<Problem> problem_;
    TimePoint last_news_;
    const TimePoint asked_ = last_news_;
};

}  // namespace packswarm::gateway
