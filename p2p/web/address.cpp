#include "p2p/web/address.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/url.hpp"

namespace packswarm::web {

namespace {

struct ReleaseUrl {
    void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, ReleaseUrl>;

std::string part(const UrlHandle& url, CURLUPart which, unsigned flags) {
    char* text = nullptr;
    if (::curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return {};
    std::string out(text);
    ::curl_free(text);
    return out;
}

// The path stays as it was written, "." segments too: it is the asker's word for the file.
Result<UrlHandle> take_apart(const std::string& url) {
    UrlHandle handle(::curl_url());
    if (!handle || ::curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), CURLU_PATH_AS_IS) != CURLUE_OK)
        return fail(ErrorKind::Refused, "not a usable address: {}", printable(url));
    return handle;
}

// Fills everything but the credentials; they are removed from url.
Result<Address> settle(const UrlHandle& url) {
    for (const auto which : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_FRAGMENT})
        ::curl_url_set(url.get(), which, nullptr, 0);
    Address out;
    out.text = part(url, CURLUPART_URL, 0);
    auto parsed = Url::parse(out.text);
    if (!parsed) return tl::unexpected(parsed.error());
    out.origin = parsed->origin();
    out.is_tls = parsed->scheme == "https";
    return out;
}

}  // namespace

Result<Address> Address::parse(const std::string& url) {
    if (auto checked = Url::parse(url); !checked) return tl::unexpected(checked.error());
    auto handle = take_apart(url);
    if (!handle) return tl::unexpected(handle.error());
    const auto user = part(*handle, CURLUPART_USER, CURLU_URLDECODE),
               password = part(*handle, CURLUPART_PASSWORD, CURLU_URLDECODE);
    auto out = settle(*handle);
    if (!out) return out;
    out->user = user;
    out->password = password;
    out->owner = out->origin;
    return out;
}

Result<Address> Address::redirect(std::string_view location) const {
    const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= 32 || c == 127; };
    if (location.size() > limits::max_url || std::any_of(location.begin(), location.end(), is_bad))
        return fail(ErrorKind::Refused, "a redirect to a malformed address: {}", printable(location));
    auto handle = take_apart(text);
    if (!handle) return tl::unexpected(handle.error());
    if (::curl_url_set(handle->get(), CURLUPART_URL, std::string(location).c_str(), 0) != CURLUE_OK)
        return fail(ErrorKind::Refused, "a redirect to a malformed address: {}", printable(location));
    auto out = settle(*handle);
    if (!out) return fail(ErrorKind::Refused, "a redirect to {}: {}", printable(location), out.error().message);
    if (is_tls && !out->is_tls)
        return fail(ErrorKind::Refused, "a redirect from https to http: {}", printable(out->text));
    out->user = user;
    out->password = password;
    out->owner = owner;
    return out;
}

}  // namespace packswarm::web
