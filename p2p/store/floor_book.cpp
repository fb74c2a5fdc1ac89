#include "p2p/store/floor_book.hpp"

#include <utility>

#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"
#include "p2p/store/write_behind.hpp"

namespace packswarm::store {

namespace {

// Whether it says something new: an older date than the known one changes nothing.
bool raises(const Floors& floors, const broker::Floor& floor) {
    const auto known = floors.find(floor.name);
    if (known == floors.end() || floor.date > known->second.date) return true;
    return floor.date == known->second.date && floor.root != known->second.root;
}

}  // namespace

FloorBook::FloorBook(std::shared_ptr<WriteBehind> table, std::filesystem::path text, Workers* workers)
    : table_(std::move(table)), file_(std::move(text)), workers_(workers) {}

Result<std::unique_ptr<FloorBook>> FloorBook::open(std::shared_ptr<WriteBehind> table, std::filesystem::path text,
                                                   Workers* workers) {
    std::unique_ptr<FloorBook> book(new FloorBook(std::move(table), std::move(text), workers));
    if (auto merged = book->merge(); !merged) return tl::unexpected(merged.error());
    return book;
}

// ---- Reading

Result<Floors> FloorBook::read_rows() {
    Floors out;
    auto read = table_->now(Sync::normal, [&out](Database& database) -> Result<void> {
        auto query = database.statement("SELECT lineage, date, root FROM floors");
        for (;;) {
            const auto more = query.step();
            if (!more) return tl::unexpected(more.error());
            if (!*more) return {};
            const auto root = query.bytes(2);
            if (root.size() != Digest::size) continue;
            const broker::Floor row{core::FloorName(query.bytes(0)), WallTime(Seconds(query.integer(1))),
                                    Digest::from_raw(root.data())};
            out[row.name] = row;
        }
    });
    if (!read) return tl::unexpected(read.error());
    return out;
}

// The higher of table and text counts, so that neither a lost file nor an old copy of one lowers a floor. Who is behind
// catches up: after a power cut the table may lack what the text has.
Result<void> FloorBook::merge() {
    auto rows = read_rows();
    if (!rows) return tl::unexpected(rows.error());
    auto text = file_.read();
    if (!text.problem.empty()) text.floors = set_text_aside(text, *rows);
    floors_ = text.floors;
    bool text_behind = !text.problem.empty() && !floors_.empty();
    for (const auto& [name, row] : *rows) {
        const auto known = floors_.find(name);
        if (known != floors_.end() && known->second.date >= row.date) continue;
        floors_[name] = row;
        text_behind = true;
    }
    Floors table_lacks;
    for (const auto& [name, floor] : floors_)
        if (raises(*rows, floor)) table_lacks[name] = floor;
    if (!table_lacks.empty())
        if (auto written = write_rows(*table_, table_lacks, Sync::full); !written)
            spdlog::error("ledger: the floors are not written to their table: {}", written.error().message);
    if (!text_behind) return {};
    if (auto written = file_.write(floors_); !written)
        spdlog::error("ledger: the floors are not written to their file: {}", written.error().message);
    return {};
}

// What still counts of a damaged text: nothing beside a good table. Where there is none, the lines that can be read,
// but no date that is still to come, which would refuse every index.
Floors FloorBook::set_text_aside(const FloorText& text, const Floors& rows) {
    Floors rest = rows.empty() ? text.floors : Floors{};
    const WallTime now =
        std::chrono::floor<Seconds>(std::chrono::system_clock::now());  // in finer units a far date overflows
    std::erase_if(rest, [now](const auto& item) { return item.second.date > now; });
    const auto& path = file_.path();
    const auto aside = set_aside(path);
    const auto what = !rows.empty()   ? std::string("those of the ledger count")
                      : !rest.empty() ? fmt::format("{} of its lines count", rest.size())
                                      : std::string("none are known now");
    set_aside_ =
        fmt::format("the floors in {} cannot be relied on ({}): {}; it is {}", path.string(), text.problem, what,
                    aside ? "kept as " + aside->filename().string() : "left there (" + aside.error().message + ")");
    spdlog::error("ledger: {}", set_aside_);
    return rest;
}

// ---- Writing

void FloorBook::raise(std::vector<broker::Floor> floors, broker::Then<void> then) {
    for (const auto& floor : floors)
        if (floor.name.empty() || floor.name.text().find('\n') != std::string::npos)
            return then(fail(ErrorKind::Refused, "no lineage has the name '{}'", printable(floor.name.text())));
    waiting_.push_back({std::move(floors), std::move(then)});
    if (!is_writing_) write_next();
}

// All that wait, at once: many repositories are looked at in the same moment, and each look waits for the disk.
void FloorBook::write_next() {
    auto batch = std::exchange(waiting_, {});
    Write write{floors_, {}, {}};
    for (auto& one : batch) {
        for (auto& floor : one.floors) {
            if (!raises(write.floors, floor)) continue;
            write.floors[floor.name] = floor;
            write.raised[floor.name] = std::move(floor);
        }
        write.then.push_back(std::move(one.then));
    }
    if (write.raised.empty()) return answer(write.then, {});
    is_writing_ = true;
    if (workers_ == nullptr) return written(write, write_both(file_, *table_, write));
    workers_->run([this, file = file_, table = table_, alive = lifetime_.view(),
                   write = std::make_shared<Write>(std::move(write))]() -> Task {
        auto done = write_both(file, *table, *write);
        return [this, alive, write, done = std::move(done)] {
            if (alive) written(*write, done);
        };
    });
}

// The text is durable when this returns; the rows are with the next checkpoint, or at once where there is no text.
Result<void> FloorBook::write_both(const FloorFile& file, WriteBehind& table, const Write& write) {
    const auto text = file.write(write.floors);
    const auto rows = write_rows(table, write.raised, text ? Sync::normal : Sync::full);
    for (const auto* copy : {&text, &rows})
        if (!*copy) spdlog::error("ledger: one of two copies of a floor failed: {}", copy->error().message);
    return text || rows ? Result<void>() : text;
}

void FloorBook::written(Write& write, const Result<void>& done) {
    if (done) floors_ = std::move(write.floors);
    is_writing_ = false;
    answer(write.then, done);
    if (!waiting_.empty() && !is_writing_) write_next();
}

void FloorBook::answer(const std::vector<broker::Then<void>>& all, const Result<void>& result) {
    for (const auto& then : all) then(result);
}

Result<void> FloorBook::write_rows(WriteBehind& table, const Floors& raised, Sync sync) {
    return table.now(sync, [&raised](Database& database) -> Result<void> {
        for (const auto& [name, floor] : raised) {
            auto row = database.statement("INSERT OR REPLACE INTO floors VALUES (?,?,?)")
                           .bind(name.text(), seconds_of(floor.date), Blob{floor.root.raw()})
                           .run();
            if (!row) return row;
        }
        return {};
    });
}

Result<void> FloorBook::reset(const core::FloorName& name) {
    if (is_writing_) return fail(ErrorKind::Refused, "floors are being written: try again in a moment");
    auto lowered = floors_;
    if (lowered.erase(name) == 0) return fail(ErrorKind::Absent, "no floor is known for {}", printable(name.text()));
    spdlog::warn("the owner allows older indexes of {} again", printable(name.text()));
    auto gone = table_->now(Sync::normal, [&name](Database& database) {
        return database.statement("DELETE FROM floors WHERE lineage=?").bind(name.text()).run();
    });
    if (!gone) return gone;
    if (auto written = file_.write(lowered); !written) return written;
    floors_ = std::move(lowered);
    return {};
}

}  // namespace packswarm::store
