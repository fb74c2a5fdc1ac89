// FloorBook: the floors and their two copies, a text and the ledger's table. Which counts where they differ; what is
// raised is written by a worker, since durable means waiting for the disk. Thread: the loop. Errors: Broken.
#pragma once

#include <memory>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/store/floor_file.hpp"

namespace packswarm::store {

class WriteBehind;
enum class Sync;

class FloorBook {
  public:
    // workers: none, whoever raises waits for the disk.
    static Result<std::unique_ptr<FloorBook>> open(std::shared_ptr<WriteBehind> table, std::filesystem::path text,
                                                   Workers* workers);

    const Floors& all() const { return floors_; }
    // An error only when neither copy could be written. An older date than the known one changes nothing. then: in the
    // order of the calls, also within the call.
    void raise(std::vector<broker::Floor> floors, broker::Then<void> then);
    Result<void> reset(const core::FloorName& name);                      // the owner's explicit override; logged
    const std::string& what_was_set_aside() const { return set_aside_; }  // at this start; empty: nothing

  private:
    struct Raise {
        std::vector<broker::Floor> floors;
        broker::Then<void> then;
    };
    struct Write {
        Floors floors, raised;  // all, and those that are new
        std::vector<broker::Then<void>> then;
    };
    FloorBook(std::shared_ptr<WriteBehind> table, std::filesystem::path text, Workers* workers);
    Result<void> merge();
    Result<Floors> read_rows();
    Floors set_text_aside(const FloorText& text, const Floors& rows);
    void write_next();
    static Result<void> write_both(const FloorFile& file, WriteBehind& table, const Write& write);
    void written(Write& write, const Result<void>& done);
    static void answer(const std::vector<broker::Then<void>>& all, const Result<void>& result);
    static Result<void> write_rows(WriteBehind& table, const Floors& raised, Sync sync);

    const std::shared_ptr<WriteBehind> table_;
    const FloorFile file_;
    Workers* const workers_;
    Floors floors_;
    std::string set_aside_;
    std::vector<Raise> waiting_;  // while others are written
    bool is_writing_ = false;
    Lifetime lifetime_;
};

}  // namespace packswarm::store
