#include "p2p/swarm/channel/lending.hpp"

#include "p2p/core/canonical.hpp"

namespace packswarm::swarm {

namespace {
constexpr auto to_the_shelf = std::chrono::seconds(30);  // publishing takes less, or has failed
}  // namespace

void Lending::lend(const Digest& digest, StagedFile file, const LineageId& lineage) {
    std::vector<bool> pieces(core::piece_count(file.size()));
    loans_.insert_or_assign(digest, Loan{std::move(file), lineage, std::move(pieces)});
}

void Lending::add(const Digest& digest, std::size_t piece) {
    const auto at = loans_.find(digest);
    if (at == loans_.end() || piece >= at->second.pieces.size() || at->second.pieces[piece]) return;
    at->second.pieces[piece] = true;
    at->second.is_news = true;
}

void Lending::verified(const Digest& digest, TimePoint now) {
    const auto at = loans_.find(digest);
    if (at == loans_.end()) return;
    at->second.pieces.assign(at->second.pieces.size(), true);
    at->second.is_news = true;
    at->second.end = now + to_the_shelf;
}

void Lending::expire(TimePoint now) {
    std::erase_if(loans_, [now](const auto& item) { return item.second.end != TimePoint{} && item.second.end <= now; });
}

const Loan* Lending::find(const Digest& digest) const {
    const auto at = loans_.find(digest);
    return at == loans_.end() ? nullptr : &at->second;
}

std::vector<Digest> Lending::changed() {
    std::vector<Digest> out;
    for (auto& [digest, loan] : loans_)
        if (std::exchange(loan.is_news, false)) out.push_back(digest);
    return out;
}

Result<void> Lending::read(const Digest& digest, ByteCount offset, std::span<char> out) const {
    const auto* loan = find(digest);
    const auto end = offset + static_cast<ByteCount>(out.size());
    if (loan == nullptr || end > loan->file.size()) return fail(ErrorKind::Absent, "not lent");
    const auto length = core::piece_length(loan->file.size());
    for (auto piece = static_cast<std::size_t>(offset / length); static_cast<ByteCount>(piece) * length < end; ++piece)
        if (!loan->pieces[piece]) return fail(ErrorKind::Absent, "piece {} is not lent", piece);
    const auto got = read_at(loan->file.handle(), offset, out);
    if (!got || *got != out.size()) return fail(ErrorKind::Absent, "a lent file cannot be read");
    return {};
}

}  // namespace packswarm::swarm
