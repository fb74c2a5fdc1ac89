#include "hooks/apt_fallback.hpp"

#include <poll.h>

#include "hooks/apt_route.hpp"

namespace packswarm::hooks {

Result<AptOwnMethod*> AptFallback::child_for(const std::string& key) {
    const auto found = children_.find(key);
    if (found != children_.end()) return found->second.get();
    auto child = AptOwnMethod::start(program_);
    if (!child) return tl::unexpected(child.error());
    (*child)->configure(configuration_);
    return children_.emplace(key, std::move(*child)).first->second.get();
}

void AptFallback::prepare_privileged() { [[maybe_unused]] const auto child = child_for(""); }

void AptFallback::acquire(const std::string& uri, const std::string& raw, const Error& reason, Login login) {
    auto key = login == Login::needed ? std::string() : host_of(uri);
    if (!children_.contains(key) && children_.size() >= max_hosts) key = children_.rbegin()->first;
    auto child = child_for(key);
    if (!child) return refuse(uri, child.error());
    // A file that nobody has, or an address the agent may not see, is no failure of the agent.
    if (reason.kind != ErrorKind::Absent && !reason.message.empty()) reasons_[uri] = reason.message;
    (*child)->acquire(uri, raw);
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
        relay(*messages);
    }
}

void AptFallback::relay(const std::vector<std::string>& messages) {
    for (const auto& text : messages) {
        const auto message = AptMessage::parse(text);
        if (message && message->code() == 400) explain_failure(*message);
        replies_ += text;
    }
}

// apt shows its own method's error; ours stands beside it, once.
void AptFallback::explain_failure(const AptMessage& failure) {
    const auto reason = reasons_.find(std::string(failure.find("URI")));
    if (reason == reasons_.end() || reason->second == last_explained_) return;
    last_explained_ = reason->second;
    replies_ +=
        AptMessage(104, "Warning").add("URI", reason->first).add("Message", "packswarm: " + reason->second).text();
}

// Transient: apt asks again, and a new child is started for it.
void AptFallback::bury(AptOwnMethod& child, const Error& reason) {
    const auto owed = child.owed();
    std::erase_if(children_, [&](const auto& entry) { return entry.second.get() == &child; });
    for (const auto& uri : owed) refuse(uri, reason);
}

void AptFallback::refuse(const std::string& uri, const Error& reason) {
    AptMessage failure(400, "URI Failure");
    failure.add("URI", uri).add("Message", "packswarm: " + reason.message).add("FailReason", "Timeout");
    replies_ += failure.add("Transient-Failure", "true").text();
}

}  // namespace packswarm::hooks
