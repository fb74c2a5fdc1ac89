// Easy: one libcurl easy handle with its owner, and the settings that every request of ours has in common.
// For this room's own .cpp files: no other room sees libcurl.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "p2p/base/result.hpp"
#include "p2p/web/address.hpp"
#include "p2p/web/answer.hpp"
#include "p2p/web/http_settings.hpp"

namespace packswarm::web {

void start_libcurl();  // once per process, however often it is called

// Receives one answer. Both calls return how many bytes were taken; another number than count ends the transfer.
class AnswerSink {
  public:
    virtual ~AnswerSink() = default;
    virtual std::size_t header(const char* line, std::size_t count) = 0;
    virtual std::size_t body(const char* bytes, std::size_t count) = 0;  // may be CURL_WRITEFUNC_PAUSE
};

struct Conditions {
    std::optional<WallTime> if_modified_since;
    std::string if_range = {};       // the range only if the file is still of this date or tag, else all of it
    std::string cache_control = {};  // towards the caches on the way
    std::string user_agent = {};     // empty: our own
};

class Easy {
  public:
    Easy(const HttpSettings& settings,
         AnswerSink& sink);  // sink outlives the transfer; the handle may be null when out of memory
    CURL* get() const { return handle_.get(); }

    void ask(const Address& address, const Wanted& wanted, const Conditions& conditions);
    template <class Value>
    void set(CURLoption option, Value value) {
        ::curl_easy_setopt(handle_.get(), option, value);
    }
    int status() const;
    bool is_http2() const;
    bool reuses_connection() const;    // kept from an earlier request; false until one is chosen
    std::string peer() const;          // the address at its other end, in figures; empty until one is chosen
    double first_byte_s() const;       // from the request being sent to the first byte of the answer
    double sent_after_s() const;       // from the start to the request being sent; 0 until then
    Error error(CURLcode code) const;  // for codes that are not of our own making

  private:
    void add_header(const std::string& line);
    struct Release {
        void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
        void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
    };
    std::array<char, CURL_ERROR_SIZE> message_{};
    std::unique_ptr<curl_slist, Release> headers_;  // the handle refers to it
    std::unique_ptr<CURL, Release> handle_;
    core::Formats formats_;
};

// How the end of a body without errors is to be read.
BodyGauge::Ending ending_of(const AnswerHead& head, bool is_http2);

}  // namespace packswarm::web
