#include "p2p/web/mirror_client.hpp"

#include "p2p/web/curl_thread.hpp"

namespace packswarm::web {

namespace {

Result<Address> check(const broker::MirrorRequest& request) {
    if (request.range && (request.range->begin < 0 || request.range->empty()))
        return fail(ErrorKind::Refused, "a range of bytes that cannot be asked for");
    return Address::parse(request.url);
}

}  // namespace

MirrorClient::MirrorClient(Loop& loop, HttpSettings settings) : loop_(loop) {
    auto backlog = std::make_shared<Backlog>();
    delivery_ = std::make_shared<Delivery>(backlog);
    curl_thread_ = std::make_unique<CurlThread>(loop, std::move(settings), delivery_, std::move(backlog));
    delivery_->set_wake([this] { curl_thread_->wake(); });
}

MirrorClient::~MirrorClient() { delivery_->close(); }

broker::FetchId MirrorClient::start(broker::MirrorRequest request, broker::MirrorEvents events) {
    const auto id = static_cast<broker::FetchId>(++last_id_);
    delivery_->open(id, std::move(events));
    auto address = check(request);
    if (address) {
        curl_thread_->start(id, std::move(request), std::move(*address));
    } else {
        loop_.post([delivery = std::weak_ptr(delivery_), id, error = std::move(address.error())] {
            if (const auto alive = delivery.lock()) alive->deliver({{id, tl::unexpected(error)}});
        });
    }
    return id;
}

void MirrorClient::cancel(broker::FetchId fetch) {
    if (delivery_->cancel(fetch)) curl_thread_->cancel(fetch);
}

}  // namespace packswarm::web
