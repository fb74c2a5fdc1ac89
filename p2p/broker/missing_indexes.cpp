#include "p2p/broker/missing_indexes.hpp"

#include <array>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::broker {

namespace {
// A package manager puts its lists in place when its update ends, which takes minutes on a slow line.
constexpr std::array looks_after{Millis(3'000), Millis(10'000), Millis(30'000), Millis(90'000), Millis(300'000)};
}  // namespace

void MissingIndexes::set_budget(ByteCount most, std::function<ByteCount(const std::string&)> spent) {
    most_ = most;
    spent_ = std::move(spent);
}

std::string MissingIndexes::transaction_of(WallTime now) {
    const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
    return fmt::format("agent-{}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                       static_cast<unsigned>(day.day()));
}

void MissingIndexes::told(const std::string& folder) {
    if (lists_ != nullptr) lists_->told(folder);
}

void MissingIndexes::want(const core::Repository& repository, const MissingIndex& missing) {
    const Key key{repository.id, missing.packed.digest};
    if (quests_.count(key) != 0 || quests_.size() >= limits::max_lineages) return;
    quests_[key] = {repository, missing, 0, 0, TimerId::none};
    look(key);
}

void MissingIndexes::look(const Key& key) {
    const auto quest = quests_.find(key);
    if (quest == quests_.end()) return;
    const auto& [repository, missing, looks, asked, next_look] = quest->second;
    if (!book_.lacks(repository.id, missing)) return void(quests_.erase(quest));
    if (lists_ == nullptr || !missing.plain || book_.is_lent(repository)) return ask(key, From::peers);
    auto file = lists_->open(repository, *missing.plain);
    if (!file) return look_again(key, file.error());
    trust_.open_list(std::move(*file), repository.format, *missing.plain,
                     lifetime_.guard([this, key](Result<std::shared_ptr<const core::CatalogSheet>> sheet) {
                         const auto at = quests_.find(key);
                         if (!sheet)
                             spdlog::info("{}: {} is not read from apt's lists: {}", key.first,
                                          at->second.missing.plain->path, sheet.error().message);
                         if (!sheet) return look_again(key, {ErrorKind::Transient, sheet.error().message});
                         book_.take_list(at->second.repository.id, *at->second.missing.plain, *sheet);
                         quests_.erase(at);
                     }));
}

void MissingIndexes::look_again(const Key& key, const Error& error) {
    auto& quest = quests_.at(key);
    if (error.kind == ErrorKind::Absent || quest.looks >= looks_after.size()) return ask(key, From::peers);
    quest.next_look = loop_.after(looks_after[quest.looks++], lifetime_.guard([this, key] {
        const auto at = quests_.find(key);
        if (at != quests_.end()) at->second.next_look = TimerId::none;
        look(key);
    }));
}

void MissingIndexes::hurry() {
    for (auto& [key, quest] : quests_) {
        if (quest.next_look == TimerId::none) continue;
        loop_.cancel(std::exchange(quest.next_look, TimerId::none));
        ask(key, From::peers);
    }
}

void MissingIndexes::ask(const Key& key, From from) {
    const auto& [repository, missing, looks, asked, next_look] = quests_.at(key);
    const auto& form = from == From::anybody || asked == 0 ? missing.packed : missing.others[asked - 1];
    Request request;
    request.url = core::address(repository.bases.front(), form.path);
    request.digest = form.digest;
    request.size = form.size;
    request.asker = "agent";
    request.transaction = transaction_of(loop_.wall_now());
    request.from = from;
    const auto over = lifetime_.guard([this, key] { quests_.erase(key); });
    RequestEvents events{[](const Started&) {}, [](const Progress&) {}, [over](const Delivered&) { over(); }, over, {}};
    events.failed =
        lifetime_.guard([this, key, from, over](const Error&) { from == From::peers ? peers_have_none(key) : over(); });
    requests_.get(std::move(request), std::move(events));
}

// A peer has the form that its package manager asked for, which need not be the smallest.
void MissingIndexes::peers_have_none(const Key& key) {
    auto& quest = quests_.at(key);
    if (quest.forms_asked < quest.missing.others.size()) {
        ++quest.forms_asked;
        return ask(key, From::peers);
    }
    if (quest.missing.is_of_packages) return ask_mirrors(key);
    quests_.erase(key);
}

void MissingIndexes::ask_mirrors(const Key& key) {
    const auto& [repository, missing, looks, asked, next_look] = quests_.at(key);
    const auto spent = spent_ ? spent_(transaction_of(loop_.wall_now())) : 0;
    if (spent_ && spent + missing.packed.size > most_) {
        spdlog::info("{}: {} is not fetched: {} of today's {} bytes for lists that nobody asked for are used up",
                     repository.id, printable(missing.packed.path), spent, most_);
        quests_.erase(key);
        return;
    }
    ask(key, From::anybody);
}

}  // namespace packswarm::broker
