#include "hooks/apt/fallback.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hooks/apt/route.hpp"
#include "p2p/base/text.hpp"

namespace packswarm::hooks {
namespace {

// Whether a 201 names another hash than the file has to have. What it does not name, apt does not compare either.
bool is_wrong(const AptMessage& done, const AptHashes& expected) {
    for (const auto& [kind, value] : expected)
        if (const auto got = lower(done.find(kind + "-Hash")); !got.empty() && got != value) return true;
    return false;
}

// Whether nothing was added to what the agent left, for no reason that lies with the line or that the server named: a
// server that answers for the rest of a file with something else does so each time.
bool is_stuck(const AptMessage& failure, const AptRemainder& remainder) {
    struct stat st {};
    return failure.find("FailReason").empty() && ::stat(remainder.file.c_str(), &st) == 0 &&
           st.st_size == remainder.size;
}

// For apt a failure of the moment: what it used before stays, and the update does not fail.
AptMessage as_transient(const AptMessage& failure) {
    AptMessage out(failure.code(), "URI Failure");
    for (const auto& [name, value] : failure.fields())
        if (lower(name) != "failreason" && lower(name) != "transient-failure") out.add(name, value);
    return out.add("FailReason", "Timeout").add("Transient-Failure", "true");
}

}  // namespace

void AptFallback::configure(std::string configuration, std::size_t processes) {
    configuration_ = std::move(configuration);
    max_processes_ = processes;
}

Result<AptOwnMethod*> AptFallback::child_for(const std::string& key) {
    const auto found = children_.find(key);
    if (found != children_.end()) return found->second.get();
    auto child = AptOwnMethod::start(program_);
    if (!child) return tl::unexpected(child.error());
    (*child)->configure(configuration_);
    return children_.emplace(key, std::move(*child)).first->second.get();
}

void AptFallback::prepare_privileged() { [[maybe_unused]] const auto child = child_for(""); }

void AptFallback::acquire(HandedOver item, Login login) {
    auto key = login == Login::needed || max_processes_ == 1 ? std::string() : host_of(item.uri);
    if (!children_.contains(key) && children_.size() >= max_processes_) key = children_.rbegin()->first;
    auto child = child_for(key);
    if (!child) return refuse(item.uri, child.error());
    (*child)->acquire(item.uri, item.raw);
    const auto uri = item.uri;
    open_.insert_or_assign(uri, std::move(item));
}

std::vector<AptOwnMethod*> AptFallback::children() {
    std::vector<AptOwnMethod*> all;
    for (const auto& [host, child] : children_) all.push_back(child.get());
    return all;
}

void AptFallback::on_ready(AptOwnMethod& child, short events) {
    if (events & (POLLOUT | POLLERR))
        if (auto written = child.write(); !written) return bury(child, written.error());
    if (events & (POLLIN | POLLHUP)) {
        const auto messages = child.read();
        if (!messages) return bury(child, messages.error());
        relay(child, *messages);
    }
}

void AptFallback::relay(AptOwnMethod& child, const std::vector<std::string>& messages) {
    for (const auto& text : messages) {
        const auto message = AptMessage::parse(text);
        const bool may_lag = message && message->code() == 400 && is_of_anothers_root(*message);
        if (message && !is_for_apt(child, *message)) continue;
        if (message && message->code() == 400) failures_.push_back(may_lag ? as_transient(*message) : *message);
        replies_ += may_lag ? failures_.back().text() : text;
    }
}

// A list under its hash has other addresses still, which apt tries at once.
bool AptFallback::is_of_anothers_root(const AptMessage& failure) const {
    const auto at = open_.find(std::string(failure.find("URI")));
    return at != open_.end() && at->second.is_of_anothers_root && at->first.find("/by-hash/") == std::string::npos;
}

bool AptFallback::is_for_apt(AptOwnMethod& child, const AptMessage& message) {
    const auto at = open_.find(std::string(message.find("URI")));
    if (at == open_.end()) return true;
    auto& item = at->second;
    if (message.code() == 200) return std::exchange(item.shown, HandedOver::Shown::begun) == HandedOver::Shown::not_yet;
    const bool is_worth_a_new_start =
        item.remainder && ((message.code() == 201 && is_wrong(message, item.remainder->expected)) ||
                           (message.code() == 400 && is_stuck(message, *item.remainder)));
    if (is_worth_a_new_start) {
        ::unlink(item.remainder->file.c_str());
        item.remainder.reset();
        child.acquire(item.uri, item.raw);
        return false;
    }
    if (message.code() == 400) explain_failure(item);
    if (ends_item(message.code())) open_.erase(at);
    return true;
}

// apt shows its own method's error; ours stands beside it where that is asked for, once. A file that nobody has, or an
// address the agent may not see, is no failure of the agent.
void AptFallback::explain_failure(const HandedOver& item) {
    const auto& reason = item.reason;
    if (!tells_reasons_ || reason.kind == ErrorKind::Absent || reason.message == last_explained_) return;
    last_explained_ = reason.message;
    replies_ += AptMessage(104, "Warning").add("URI", item.uri).add("Message", "packswarm: " + reason.message).text();
}

// Transient: apt asks again, and a new child is started for it.
void AptFallback::bury(AptOwnMethod& child, const Error& reason) {
    const auto owed = child.owed();
    std::erase_if(children_, [&](const auto& entry) { return entry.second.get() == &child; });
    for (const auto& uri : owed) refuse(uri, reason);
}

void AptFallback::refuse(const std::string& uri, const Error& reason) {
    open_.erase(uri);
    AptMessage failure(400, "URI Failure");
    failure.add("URI", uri).add("Message", "packswarm: " + reason.message).add("FailReason", "Timeout");
    replies_ += failure.add("Transient-Failure", "true").text();
    failures_.push_back(std::move(failure));
}

}  // namespace packswarm::hooks
