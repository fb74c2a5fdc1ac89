#include "p2p/web/easy.hpp"

#include <algorithm>
#include <mutex>

#include "p2p/base/http_date.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/version.hpp"

namespace packswarm::web {

namespace {

std::size_t on_header(char* line, std::size_t, std::size_t count, void* sink) {
    return static_cast<AnswerSink*>(sink)->header(line, count);
}
std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* sink) {
    return static_cast<AnswerSink*>(sink)->body(bytes, count);
}

double info_s(CURL* handle, CURLINFO which) {
    curl_off_t micros = 0;
    ::curl_easy_getinfo(handle, which, &micros);
    return static_cast<double>(micros) / 1e6;
}

// Bytes libcurl asks of a socket at once: small answers need no more, large ones cost less per byte.
long buffer_size(const Wanted& wanted) {
    ByteCount length = wanted.expected_size.value_or(wanted.max_bytes);
    if (wanted.end) length = *wanted.end - *wanted.begin;
    return static_cast<long>(std::clamp(length, 32 * limits::kib, 64 * limits::kib));
}

ErrorKind kind_of(CURLcode code) {
    switch (code) {
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_FILESIZE_EXCEEDED:
        case CURLE_URL_MALFORMAT:
            return ErrorKind::Refused;
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_OUT_OF_MEMORY:
        case CURLE_FAILED_INIT:
        case CURLE_NOT_BUILT_IN:
        case CURLE_UNKNOWN_OPTION:
        case CURLE_BAD_FUNCTION_ARGUMENT:
            return ErrorKind::Broken;
        default:
            return ErrorKind::Transient;  // libcurl has a hundred codes: what is not known to be final may pass
    }
}

}  // namespace

std::string user_agent() { return "packswarm/" + std::string(program_version); }

void start_libcurl() {
    static std::once_flag once;
    std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
}

BodyGauge::Ending ending_of(const AnswerHead& head, bool is_http2) {
    const bool declared = is_http2 || head.chunked || head.content_length;
    return declared ? BodyGauge::Ending::declared : BodyGauge::Ending::connection;
}

Easy::Easy(const HttpSettings& settings, AnswerSink& sink) : handle_(::curl_easy_init()), formats_(settings.formats) {
    set(CURLOPT_ERRORBUFFER, message_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a resolver that hangs must hold up neither cancel nor the end
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!settings.ca_file.empty()) set(CURLOPT_CAINFO, settings.ca_file.c_str());
    if (!settings.ca_path.empty()) set(CURLOPT_CAPATH, settings.ca_path.c_str());
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_TCP_NODELAY, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, &sink);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, &sink);
}

void Easy::add_header(const std::string& line) {
    if (auto* longer = ::curl_slist_append(headers_.get(), line.c_str())) {
        static_cast<void>(headers_.release());
        headers_.reset(longer);
    }
}

void Easy::ask(const Address& address, const Wanted& wanted, const Conditions& conditions) {
    headers_.reset();
    if (conditions.if_modified_since) add_header("If-Modified-Since: " + http_date(*conditions.if_modified_since));
    if (!conditions.if_range.empty() && wanted.begin) add_header("If-Range: " + conditions.if_range);
    // Caches on the way must not hand out yesterday's root; what an index lists never changes.
    if (!conditions.cache_control.empty())
        add_header("Cache-Control: " + conditions.cache_control);
    else if (formats_.classify(wanted.path) == core::PathKind::root)
        add_header("Cache-Control: max-age=0");
    // As apt does: nothing is negotiated for a name without an extension. An index's plain file would else come
    // compressed.
    if (wanted.path.find('.', wanted.path.rfind('/') + 1) == std::string::npos) add_header("Accept: text/*");
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_USERAGENT, (conditions.user_agent.empty() ? user_agent() : conditions.user_agent).c_str());
    set(CURLOPT_URL, address.text.c_str());
    set(CURLOPT_BUFFERSIZE, buffer_size(wanted));
    if (wanted.begin) {
        const auto last = wanted.end ? std::to_string(*wanted.end - 1) : std::string();
        set(CURLOPT_RANGE, (std::to_string(*wanted.begin) + "-" + last).c_str());
    } else {
        set(CURLOPT_RANGE, static_cast<const char*>(nullptr));
    }
    const bool known = address.sends_credentials();
    set(CURLOPT_USERNAME, known ? address.user.c_str() : nullptr);
    set(CURLOPT_PASSWORD, known ? address.password.c_str() : nullptr);
}

int Easy::status() const {
    long status = 0;
    ::curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
}

bool Easy::is_http2() const {
    long version = 0;
    ::curl_easy_getinfo(handle_.get(), CURLINFO_HTTP_VERSION, &version);
    return version >= CURL_HTTP_VERSION_2_0;
}

bool Easy::reuses_connection() const {
    long opened = 0;
    ::curl_easy_getinfo(handle_.get(), CURLINFO_NUM_CONNECTS, &opened);
    return opened == 0 && !peer().empty();
}

std::string Easy::peer() const {
    const char* address = nullptr;
    ::curl_easy_getinfo(handle_.get(), CURLINFO_PRIMARY_IP, &address);
    return address != nullptr ? address : "";
}

double Easy::sent_after_s() const { return info_s(handle_.get(), CURLINFO_PRETRANSFER_TIME_T); }

double Easy::first_byte_s() const {
    return std::max(0.0, info_s(handle_.get(), CURLINFO_STARTTRANSFER_TIME_T) - sent_after_s());
}

Error Easy::error(CURLcode code) const {
    const char* text = message_[0] ? message_.data() : ::curl_easy_strerror(code);
    return {kind_of(code), printable(text)};
}

}  // namespace packswarm::web
