#include "p2p/store/leftovers.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"
#include "p2p/store/shelf.hpp"
#include "p2p/store/vault.hpp"

namespace packswarm::store {

namespace {

constexpr std::string_view ending = ".note";

// Staged files are numbered.
std::optional<std::uint64_t> number_of(std::string_view name) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (name.empty() || error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return number;
}

struct Noted {
    std::uint64_t number = 0;
    std::int64_t at = 0;  // seconds since the epoch
};

std::optional<Noted> noted(const std::filesystem::path& note) {
    const auto name = note.filename().string();
    if (!name.ends_with(ending)) return std::nullopt;
    const auto number = number_of(std::string_view(name).substr(0, name.size() - ending.size()));
    struct stat st {};
    if (!number || ::lstat(note.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const auto age = std::chrono::seconds(now - st.st_mtim.tv_sec);
    if (age > limits::remains_kept || -age > limits::remains_kept) return std::nullopt;  // or the clock was set
    return Noted{*number, st.st_mtim.tv_sec};
}

}  // namespace

std::filesystem::path note_of(const std::filesystem::path& staged) { return staged.string() + std::string(ending); }

Leftovers read_leftovers(const std::filesystem::path& staging) {
    std::vector<Noted> all;
    std::vector<std::filesystem::path> names;
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator(staging, problem)) {
        names.push_back(entry.path());
        if (const auto one = noted(entry.path())) all.push_back(*one);
    }
    std::sort(all.begin(), all.end(),
              [](const Noted& a, const Noted& b) { return std::pair(a.at, a.number) > std::pair(b.at, b.number); });
    Leftovers out;
    ByteCount bytes = 0;
    for (const auto& one : all) {
        const auto path = staging / std::to_string(one.number);
        auto file = StagedFile::reopen(path);
        auto record = read_own_text(note_of(path), limits::max_remains_note);
        if (!file || !record || out.files.size() >= limits::max_remains ||
            bytes + file->size() > limits::max_remains_bytes)
            continue;
        bytes += file->size();
        out.last_name = std::max(out.last_name, one.number);
        out.files.push_back({std::move(*file), Bytes(record->begin(), record->end())});
    }
    const auto stays = [&](const std::filesystem::path& path) {
        return std::any_of(out.files.begin(), out.files.end(), [&](const broker::Leftover& left) {
            return path == left.file.path() || path == note_of(left.file.path());
        });
    };
    for (const auto& path : names) {
        if (stays(path)) continue;
        std::filesystem::remove_all(path, problem);
        if (problem) spdlog::error("store: {} cannot be deleted: {}", path.string(), problem.message());
    }
    return out;
}

void Vault::load_leftovers() {
    auto left = read_leftovers(shelf_->staging());
    staging_names_ = left.last_name;
    leftovers_ = std::move(left.files);
    for (const auto& one : leftovers_) note_staged(one.file);
}

std::vector<broker::Leftover> Vault::leftovers() { return std::exchange(leftovers_, {}); }

void Vault::note(const StagedFile& file, ByteView record) {
    notes_->set(note_of(file.path()), Bytes(record.begin(), record.end()));
}

}  // namespace packswarm::store
