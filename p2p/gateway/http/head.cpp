#include "p2p/gateway/http/head.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "p2p/base/http_date.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::gateway {

namespace {

namespace http = boost::beast::http;
using Message = http::request<http::empty_body>;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

tl::unexpected<Problem> problem(int status, std::string message) {
    return tl::unexpected(Problem{status, std::move(message)});
}

bool passed_here_before(const Message& message, std::string_view name) {
    const auto [begin, end] = message.equal_range(http::field::via);
    for (auto it = begin; it != end; ++it) {
        if (!name.empty() && view(it->value()).find(name) != std::string_view::npos) return true;
    }
    return false;
}

// Browsers say so when a page asks for something that is not its own; package managers never send these.
bool comes_from_a_web_page(const Message& message) {
    const auto site = view(message["Sec-Fetch-Site"]);
    return message.count(http::field::origin) > 0 || (!site.empty() && site != "none" && site != "same-origin");
}

// Requests here have no body. Where one ends is read in different ways when a head says it oddly (RFC 9112 6.3, 11.2).
std::optional<Problem> find_odd_length(const Message& message) {
    if (message.count(http::field::transfer_encoding) > 0) return Problem{400, "a request with a Transfer-Encoding"};
    const auto lengths = message.count(http::field::content_length);
    const auto length = view(message[http::field::content_length]);
    const bool is_number = !length.empty() && length.find_first_not_of("0123456789") == std::string_view::npos;
    if (lengths > 1 || (lengths == 1 && !is_number)) return Problem{400, "a request without one plain Content-Length"};
    return std::nullopt;
}

std::optional<Problem> find_problem(const Message& message, bool has_body, std::string_view via) {
    if (message.version() != 11 && message.version() != 10) return Problem{505, "HTTP/1.1 is spoken here"};
    if (auto odd = find_odd_length(message)) return odd;
    if (message.method() == http::verb::connect)
        return Problem{405,
                       "no tunnels: only http:// repositories can use this proxy (Acquire::https::Proxy \"DIRECT\";)"};
    if (message.method() != http::verb::get && message.method() != http::verb::head)
        return Problem{405, "only GET and HEAD"};
    if (message.count(http::field::host) > 1 || (message.version() == 11 && message.count(http::field::host) == 0))
        return Problem{400, "a request must have one Host"};
    if (has_body) return Problem{400, "a request with a body"};
    if (passed_here_before(message, via)) return Problem{508, "this agent is in its own list of mirrors"};
    if (comes_from_a_web_page(message)) return Problem{403, "web pages may not ask"};
    if (message.count(http::field::authorization) > 0)
        return Problem{403, "requests with a password are not passed on: exempt this host from the proxy"};
    return std::nullopt;
}

void read_conditions(const Message& message, Head& head) {
    head.if_modified_since = parse_http_date(view(message[http::field::if_modified_since]));
    head.range = parse_range(view(message[http::field::range]));
    if (message.count(http::field::range) > 1) head.range.reset();
    if (head.range) head.if_range = std::string(view(message[http::field::if_range]));
    if (!is_plain(head.if_range)) head.range.reset();
    head.cache_control = std::string(view(message[http::field::cache_control]));
    if (!is_plain(head.cache_control)) head.cache_control.clear();
}

}  // namespace

bool is_plain(std::string_view text) {
    constexpr std::size_t longest = 200;
    return text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool Head::takes_part_of(std::optional<WallTime> modified) const {
    if (if_range.empty()) return true;
    const auto date = parse_http_date(if_range);
    return date && date == modified;
}

tl::expected<std::optional<Head>, Problem> read_head(std::string_view bytes, std::string_view via) {
    const auto end = bytes.find("\r\n\r\n");
    const auto length = end == std::string_view::npos ? bytes.size() : end + 4;
    if (length > limits::max_http_head) return problem(431, "a request head too long");
    if (end == std::string_view::npos) return std::nullopt;
    http::request_parser<http::empty_body> parser;
    parser.header_limit(limits::max_http_head);
    boost::beast::error_code error;
    const auto used = parser.put(boost::asio::buffer(bytes.data(), length), error);
    if (!error && !parser.is_header_done()) return problem(400, "a malformed request");
    if (error || used != length) return problem(400, "a malformed request: " + error.message());
    const Message& message = parser.get();
    if (auto found = find_problem(message, !parser.is_done(), via)) return tl::unexpected(std::move(*found));
    Head head;
    head.length = length;
    head.spelling = std::string(view(message.target()));
    if (message.count(http::field::host) > 0) head.host = std::string(view(message[http::field::host]));
    head.user_agent = std::string(view(message[http::field::user_agent]));
    head.wants_body = message.method() == http::verb::get;
    head.keep_alive = message.keep_alive();
    read_conditions(message, head);
    return head;
}

}  // namespace packswarm::gateway
