#include "p2p/gateway/http/reply.hpp"

#include "p2p/base/http_date.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::gateway {

namespace {

constexpr std::size_t max_message = 500;

std::string_view reason(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 206:
            return "Partial Content";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 413:
            return "Content Too Large";
        case 416:
            return "Range Not Satisfiable";
        case 431:
            return "Request Header Fields Too Large";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        case 508:
            return "Loop Detected";
        default:
            return "Internal Server Error";
    }
}

std::string opening(int status, bool keep_alive, WallTime now) {
    return fmt::format("HTTP/1.1 {} {}\r\nServer: packswarm\r\nDate: {}\r\nConnection: {}\r\n", status, reason(status),
                       http_date(now), keep_alive ? "keep-alive" : "close");
}

std::string last_modified(std::optional<WallTime> modified) {
    return modified ? "Last-Modified: " + http_date(*modified) + "\r\n" : std::string();
}

}  // namespace

Problem problem_of(const Error& error) {
    const auto because = [&](int status) {
        return Problem{status, fmt::format("{}: {}", to_string(error.kind), error.message), error.retry_after};
    };
    switch (error.kind) {
        case ErrorKind::Absent:
            return because(404);
        case ErrorKind::Transient:
            return because(503);
        case ErrorKind::Corrupt:
            return because(502);
        case ErrorKind::Refused:
            return because(403);
        case ErrorKind::Broken:
            return because(500);
    }
    return because(500);
}

std::string file_head(const FileHead& head, WallTime now) {
    const ByteRange sent = head.range.value_or(ByteRange{0, head.size});
    std::string out = opening(head.range ? 206 : 200, head.keep_alive, now);
    out += fmt::format("Content-Type: application/octet-stream\r\nContent-Length: {}\r\nAccept-Ranges: bytes\r\n",
                       sent.length());
    if (head.range) out += fmt::format("Content-Range: bytes {}-{}/{}\r\n", sent.begin, sent.end - 1, head.size);
    return out + last_modified(head.modified) + "\r\n";
}

std::string again_reply(std::string_view spelling, bool keep_alive, WallTime now) {
    return opening(307, keep_alive, now) + fmt::format("Location: {}\r\nContent-Length: 0\r\n\r\n", spelling);
}

std::string not_modified_reply(std::optional<WallTime> modified, bool keep_alive, WallTime now) {
    return opening(304, keep_alive, now) + last_modified(modified) + "\r\n";
}

std::string out_of_range_reply(ByteCount size, bool keep_alive, WallTime now) {
    return opening(416, keep_alive, now) + fmt::format("Content-Range: bytes */{}\r\nContent-Length: 0\r\n\r\n", size);
}

std::string problem_reply(const Problem& problem, Body body, bool keep_alive, WallTime now) {
    const std::string text = "packswarm: " + printable(problem.message, max_message) + "\n";
    std::string out = opening(problem.status, keep_alive, now);
    if (problem.status == 405) out += "Allow: GET, HEAD\r\n";
    if (problem.retry_after && problem.retry_after->count() > 0)
        out += fmt::format("Retry-After: {}\r\n", problem.retry_after->count());
    out += fmt::format("Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n", text.size());
    return body == Body::sent ? out + text : out;
}

}  // namespace packswarm::gateway
