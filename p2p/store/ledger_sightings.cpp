#include "p2p/base/log.hpp"
#include "p2p/store/floor_book.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/write_behind.hpp"

namespace packswarm::store {

namespace {

std::optional<std::int64_t> modified_of(const core::Sighting& one) {
    return one.modified ? std::optional(seconds_of(*one.modified)) : std::nullopt;
}

}  // namespace

std::vector<core::Sighting> Ledger::sightings() {
    std::vector<core::Sighting> out;
    auto query = reading().statement(
        "SELECT address, file, content, bundle, product, date, modified, confirmed FROM sightings ORDER BY rowid DESC");
    while (query.step().value_or(false)) {
        core::Sighting one;
        one.address = query.bytes(0);
        Digest* const digests[] = {&one.file, &one.content, &one.bundle, &one.product};
        bool is_whole = true;
        for (int i = 0; i < 4; ++i) {
            const auto raw = query.bytes(i + 1);
            is_whole = is_whole && raw.size() == Digest::size;
            if (is_whole) *digests[i] = Digest::from_raw(raw.data());
        }
        one.date = WallTime(Seconds(query.integer(5)));
        if (!query.null(6)) one.modified = WallTime(Seconds(query.integer(6)));
        one.confirmed = WallTime(Seconds(query.integer(7)));
        if (is_whole) out.push_back(std::move(one));
    }
    return out;
}

void Ledger::save_sighting(const core::Sighting& one) {
    forget_sighting(one);
    writer_->later(fmt::format("what {} showed is not kept", printable(one.address)), [one](Database& database) {
        return database.statement("INSERT INTO sightings VALUES (?,?,?,?,?,?,?,?)")
            .bind(one.address, Blob{one.file.raw()}, Blob{one.content.raw()}, Blob{one.bundle.raw()},
                  Blob{one.product.raw()}, seconds_of(one.date), modified_of(one), seconds_of(one.confirmed))
            .run();
    });
}

void Ledger::forget_sighting(const core::Sighting& one) {
    writer_->later(fmt::format("what {} showed is not forgotten", printable(one.address)), [one](Database& database) {
        return database.statement("DELETE FROM sightings WHERE address=? AND file=? AND modified IS ?")
            .bind(one.address, Blob{one.file.raw()}, modified_of(one))
            .run();
    });
}

}  // namespace packswarm::store
