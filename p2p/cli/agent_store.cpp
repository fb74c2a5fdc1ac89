#include "p2p/cli/agent_store.hpp"

#include <nlohmann/json.hpp>

#include "p2p/base/limits.hpp"

namespace packswarm::cli {

namespace {

using Json = nlohmann::json;

constexpr Millis listing_timeout{60'000};
constexpr Millis hashing_timeout{600'000};  // a large file is hashed before it is handed out
constexpr Millis fetch_timeout{120'000};
constexpr std::size_t most_pages = 10'000;

std::string text_at(const Json& json, const char* name) {
    return json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : std::string();
}

std::optional<std::int64_t> number_of(const Json& json, const char* name) {
    if (!json.contains(name) || !json[name].is_number_integer()) return std::nullopt;
    return json[name].get<std::int64_t>();
}

bool is_true(const Json& json, const char* name) {
    return json.contains(name) && json[name].is_boolean() && json[name].get<bool>();
}

tl::unexpected<Error> unreadable() { return fail(ErrorKind::Refused, "the agent's answer cannot be read"); }

Result<Json> rows_of(const std::string& answer, const char* name) {
    auto json = Json::parse(answer, nullptr, false);
    if (!json.is_object() || !json.contains(name) || !json[name].is_array()) return unreadable();
    return json;
}

std::vector<LackingList> lacking_of(const Json& row) {
    std::vector<LackingList> out;
    if (!row.contains("lacking") || !row["lacking"].is_array()) return out;
    for (const auto& list : row["lacking"]) {
        const auto digest = list.is_object() ? Digest::parse(text_at(list, "sha256")) : std::nullopt;
        if (digest) out.push_back({text_at(list, "url"), *digest, number_of(list, "size").value_or(0)});
    }
    return out;
}

Result<CarriedSource> source_of(const Json& row) {
    if (!row.is_object()) return unreadable();
    CarriedSource out;
    out.id = text_at(row, "id");
    out.format = text_at(row, "format");
    out.suite = text_at(row, "suite");
    out.why_not = text_at(row, "why_not");
    out.is_public = is_true(row, "public");
    out.date = number_of(row, "date");
    out.valid_until = number_of(row, "valid_until");
    out.lacking = lacking_of(row);
    if (!out.why_not.empty()) return out;
    auto parcel = core::read_manifest(text_at(row, "manifest"));
    if (!parcel || parcel->repositories.size() != 1) return unreadable();
    out.section = std::move(parcel->repositories.front());
    return out;
}

std::optional<StoredRow> row_of(const Json& row) {
    const auto digest = row.is_object() ? Digest::parse(text_at(row, "sha256")) : std::nullopt;
    const auto size = digest ? number_of(row, "size") : std::nullopt;
    if (!size || *size < 0) return std::nullopt;
    return StoredRow{text_at(row, "repository"),
                     text_at(row, "name"),
                     {*digest, *size, text_at(row, "path")},
                     is_true(row, "index")};
}

}  // namespace

Result<AgentStore> AgentStore::connect(const std::string& socket) {
    auto client = control::Client::connect(socket, "cli", Millis(2'000));
    if (!client) return tl::unexpected(client.error());
    return AgentStore(std::move(*client));
}

Result<std::vector<CarriedSource>> AgentStore::sources() {
    const auto answer = client_.call("bundle", {}, listing_timeout);
    if (!answer) return tl::unexpected(answer.error());
    const auto json = rows_of(*answer, "repositories");
    if (!json) return tl::unexpected(json.error());
    std::vector<CarriedSource> out;
    for (const auto& row : (*json)["repositories"]) {
        auto source = source_of(row);
        if (!source) return tl::unexpected(source.error());
        out.push_back(std::move(*source));
    }
    return out;
}

Result<std::vector<StoredRow>> AgentStore::stored() {
    std::vector<StoredRow> out;
    control::Arguments after;
    for (std::size_t page = 0; page < most_pages; ++page) {
        const auto answer = client_.call("stored", after, listing_timeout);
        if (!answer) return tl::unexpected(answer.error());
        const auto json = rows_of(*answer, "files");
        if (!json) return tl::unexpected(json.error());
        for (const auto& row : (*json)["files"])
            if (auto file = row_of(row)) out.push_back(std::move(*file));
        after.digest = Digest::parse(text_at(*json, "next"));
        if (!after.digest) return out;
    }
    return fail(ErrorKind::Refused, "the agent names files without end");
}

Result<FileHandle> AgentStore::take(const core::ParcelFile& file) {
    control::Get get;
    get.digest = file.digest;
    get.stored = true;
    auto done = finish(get, hashing_timeout);
    if (!done) return tl::unexpected(done.error());
    if (done->size != file.size || !done->file.open())
        return fail(ErrorKind::Corrupt, "the agent gave {} bytes, and its index says {}", done->size, file.size);
    return std::move(done->file);
}

Result<void> AgentStore::fetch(const LackingList& list) {
    control::Get get;
    get.url = list.url;
    get.digest = list.digest;
    get.size = list.size;
    const auto done = finish(get, fetch_timeout);
    return done ? Result<void>() : tl::unexpected(done.error());
}

// The event that ends it; news of it on the way are none of ours.
Result<control::Event> AgentStore::finish(const control::Get& wanted, Millis patience) {
    auto get = wanted;
    get.id = client_.next_id();
    if (auto sent = client_.send(get); !sent) return tl::unexpected(sent.error());
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
        auto events = client_.receive(Millis(1'000));
        if (!events) return tl::unexpected(events.error());
        for (auto& event : *events) {
            if (event.id == 0 && event.kind == control::EventKind::failed) return tl::unexpected(event.error);
            if (event.id != get.id) continue;
            if (event.kind == control::EventKind::failed) return tl::unexpected(event.error);
            if (event.kind == control::EventKind::done) return std::move(event);
        }
    }
    static_cast<void>(client_.send(control::Cancel{get.id}));
    return fail(ErrorKind::Transient, "the agent has not answered for {} s", patience.count() / 1000);
}

}  // namespace packswarm::cli
