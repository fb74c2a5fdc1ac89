#include "p2p/gateway/sites/exchange.hpp"

#include <utility>

#include "p2p/base/limits.hpp"

namespace packswarm::gateway {

Exchange::Exchange(broker::Requests& requests, SiteRequest request, Client client, std::function<void()> changed)
    : requests_(requests),
      request_(std::move(request)),
      client_(std::move(client)),
      changed_(std::move(changed)),
      last_news_(std::chrono::steady_clock::now()) {}

void Exchange::begin(const std::string& transaction) {
    const Target& target = request_.target;
    const auto& file = target.file;
    if (!target.is_own_path()) return ask_for_file(target.url, transaction);
    const auto url = requests_.gateway_address(target.format, file, file.path);
    if (!url) {
        problem_ =
            Problem{404, fmt::format("no repository {} for {} is configured here", file.repository, file.architecture)};
        return;
    }
    // Both are asked for at once: waiting for the signature first would cost every package a round trip.
    if (!file.signature.empty()) signatures_ = requests_.package_signatures(target.format, file);
    if (signatures_ != core::PackageSignatures::not_demanded) {
        const auto signature = requests_.gateway_address(target.format, file, file.signature);
        if (signature) ask_for_signature(*signature, transaction);
    }
    ask_for_file(*url, transaction);
}

broker::Request Exchange::request_for(const std::string& url, const std::string& transaction) const {
    broker::Request request;
    request.url = url;
    request.asker = request_.target.is_own_path() ? request_.target.file.asker : "gateway";
    request.streams = true;
    request.user = client_.user;
    request.transaction = transaction;
    return request;
}

void Exchange::ask_for_file(const std::string& url, const std::string& transaction) {
    auto request = request_for(url, transaction);
    if (!head().range) request.if_modified_since = head().if_modified_since;
    request.terms = terms();
    broker::RequestEvents events;
    events.started = [this](const broker::Started& started) {
        started_ = started;
        safe_ = 0;  // of what was shown before, when that has been found rotten
        news();
    };
    events.progress = [this](const broker::Progress& progress) {
        safe_ = progress.safe;
        news();
    };
    events.delivered = [this](const broker::Delivered& delivered) {
        file_request_ = broker::RequestId::none;
        delivered_ = delivered;
        if (const auto info = delivered.bytes ? file_info(*delivered.bytes) : fail(ErrorKind::Absent, "no bytes"); info)
            as_delivered_ = *info;
        news();
    };
    events.not_modified = [this] {
        file_request_ = broker::RequestId::none;
        not_modified_ = true;
        news();
    };
    events.failed = [this](const Error& error) {
        file_request_ = broker::RequestId::none;
        give_up(problem_of(error));
    };
    file_request_ = requests_.get(std::move(request), std::move(events));
}

void Exchange::ask_for_signature(const std::string& url, const std::string& transaction) {
    auto request = request_for(url, transaction);
    request.max_size = limits::max_signature;
    needs_signature_ = true;
    const auto settled = [this] {
        signature_request_ = broker::RequestId::none;
        needs_signature_ = false;
        news();
    };
    broker::RequestEvents events;
    events.started = [](const broker::Started&) {};
    events.progress = [](const broker::Progress&) {};
    events.delivered = [settled](const broker::Delivered&) { settled(); };
    events.not_modified = settled;
    events.failed = [this, settled](const Error& error) {
        // Its package manager knows whether it can do without.
        if (error.kind == ErrorKind::Absent && signatures_ == core::PackageSignatures::as_found) return settled();
        signature_request_ = broker::RequestId::none;
        auto problem = problem_of(error);
        problem.message = "not without its signature, and that is " + problem.message;
        give_up(std::move(problem));
    };
    signature_request_ = requests_.get(std::move(request), std::move(events));
}

void Exchange::give_up(Problem problem) {
    cancel();
    if (!problem_) problem_ = std::move(problem);
    news();
}

void Exchange::cancel() {
    for (auto* request : {&file_request_, &signature_request_}) {
        const auto id = std::exchange(*request, broker::RequestId::none);
        if (id != broker::RequestId::none) requests_.cancel(id);
    }
}

void Exchange::news() {
    last_news_ = std::chrono::steady_clock::now();
    changed_();
}

// The last bytes of a file, and several parts, are taken from the whole.
broker::Terms Exchange::terms() const {
    broker::Terms terms;
    terms.cache_control = head().cache_control;
    terms.user_agent = request_.chosen_name;
    if (client_.asker == Asker::elsewhere) terms.guard.emplace();
    if (!head().range || !head().range->first || !head().wants_body) return terms;
    terms.begin = head().range->first;
    if (head().range->last && *head().range->last < limits::max_artifact) terms.end = *head().range->last + 1;
    terms.if_range = head().if_range;
    return terms;
}

// The broker says so, or nobody does: a date orders no contents.
bool Exchange::is_not_modified() const { return !needs_signature_ && not_modified_; }

const std::optional<broker::Part>& Exchange::part() const {
    static const std::optional<broker::Part> whole;
    return delivered_ ? delivered_->part : started_ ? started_->part : whole;
}

ByteCount Exchange::size() const {
    if (part()) return part()->total;
    return delivered_ ? delivered_->size : started_ ? started_->size : 0;
}

std::optional<WallTime> Exchange::modified() const {
    return delivered_ ? delivered_->modified : started_ ? started_->modified : std::nullopt;
}

bool Exchange::is_as_delivered() const {
    const auto info = delivered_ && delivered_->bytes ? file_info(*delivered_->bytes) : Result<FileInfo>(FileInfo{});
    return info && as_delivered_ && *info == *as_delivered_;
}

ByteCount Exchange::safe() const { return needs_signature_ ? 0 : first_byte() + safe_; }

broker::SharedBytes Exchange::bytes() const {
    return delivered_ ? delivered_->bytes : started_ ? started_->bytes : nullptr;
}

}  // namespace packswarm::gateway
