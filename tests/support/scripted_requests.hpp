// ScriptedRequests: a broker that does what the test says: it remembers what was asked, and the test decides which
// events follow. A rule for an address answers by itself. Everything on the loop's thread.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "p2p/broker/requests.hpp"

namespace packswarm::test {

inline broker::SharedBytes file_with(const std::string& content) {
    FileHandle file(::memfd_create("packswarm-test", MFD_CLOEXEC));
    if (!file.open() || !write_at(file, 0, as_bytes(content))) throw std::runtime_error("no file in memory");
    return std::make_shared<const FileHandle>(std::move(file));
}

class ScriptedRequests : public broker::Requests {
  public:
    using Rule = std::function<void(broker::RequestId)>;

    explicit ScriptedRequests(boost::asio::io_context& io) : io_(io) {}

    struct Open {
        broker::Request request;
        broker::RequestEvents events;
    };
    std::vector<broker::Request> asked;
    std::vector<std::string> cancelled;  // addresses
    std::map<broker::RequestId, Open> open;
    std::map<std::string, Rule> rules;  // by address; run soon after the get
    core::PackageSignatures signatures = core::PackageSignatures::demanded;
    std::optional<TimePoint> silent_since;  // no source gives a byte
    std::map<std::string, std::string> repositories{{"core/x86_64", "http://mirror.example/core/os/x86_64"}};

    broker::RequestId get(broker::Request request, broker::RequestEvents events) override {
        const broker::RequestId id{++last_};
        asked.push_back(request);
        const auto rule = rules.find(request.url);
        open[id] = {std::move(request), std::move(events)};
        if (rule != rules.end())
            boost::asio::post(io_, [this, id, run = rule->second] {
                if (open.contains(id)) run(id);
            });
        return id;
    }
    void cancel(broker::RequestId id) override {
        const auto it = open.find(id);
        if (it == open.end()) return;
        cancelled.push_back(it->second.request.url);
        open.erase(it);
    }
    TimePoint last_sign() const override { return silent_since.value_or(std::chrono::steady_clock::now()); }
    std::optional<std::string> gateway_address(core::Format, const core::GatewayFile& at,
                                               const std::string& path) const override {
        const auto it = repositories.find(at.repository + "/" + at.architecture);
        if (it == repositories.end()) return std::nullopt;
        return it->second + "/" + path;
    }
    core::PackageSignatures package_signatures(core::Format, const core::GatewayFile&) const override {
        return signatures;
    }

    broker::RequestId id_of(const std::string& url) const {
        for (const auto& [id, one] : open) {
            if (one.request.url == url) return id;
        }
        return broker::RequestId::none;
    }
    bool asked_for(const std::string& url) const { return id_of(url) != broker::RequestId::none; }

    void start(broker::RequestId id, const broker::SharedBytes& bytes, ByteCount size,
               std::optional<WallTime> modified = {}) {
        open.at(id).events.started({size, modified, bytes});
    }
    void progress(broker::RequestId id, broker::Progress progress) { open.at(id).events.progress(progress); }
    void deliver(broker::RequestId id, const broker::SharedBytes& bytes, ByteCount size,
                 std::optional<WallTime> modified = {}) {
        broker::Delivered delivered{bytes, size, Digest{}, modified, {}};
        delivered.digest.bytes.fill(0xab);
        delivered.sources.push_back({broker::SourceKind::mirror, "http://mirror.example", size, 0});
        close(id).delivered(delivered);
    }
    void deliver_part(broker::RequestId id, const broker::SharedBytes& bytes, const broker::Part& part) {
        broker::Delivered delivered{bytes, part.range.length(), Digest{}, std::nullopt, {}, part};
        close(id).delivered(delivered);
    }
    void fail(broker::RequestId id, ErrorKind kind, std::string message) {
        close(id).failed(Error{kind, std::move(message)});
    }
    void not_modified(broker::RequestId id) { close(id).not_modified(); }

    // Rules
    void has(const std::string& url, const std::string& content, std::optional<WallTime> modified = {}) {
        rules[url] = [this, bytes = file_with(content), size = static_cast<ByteCount>(content.size()),
                      modified](broker::RequestId id) { deliver(id, bytes, size, modified); };
    }
    void lacks(const std::string& url, ErrorKind kind = ErrorKind::Absent) {
        rules[url] = [this, kind](broker::RequestId id) { fail(id, kind, "no mirror has it"); };
    }

  private:
    broker::RequestEvents close(broker::RequestId id) {
        auto events = std::move(open.at(id).events);
        open.erase(id);
        return events;
    }
    boost::asio::io_context& io_;
    std::uint64_t last_ = 0;
};

}  // namespace packswarm::test
