// AgentStore: the agent's store as the command line sees it for a bundle: which repositories could be carried, what is
// stored of them, and each file by an open descriptor. Not here: what is made of it (bundle.hpp). Errors: Absent (no
// agent, or it has no such file), Transient, Refused. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "p2p/control/client.hpp"
#include "p2p/core/parcel.hpp"

namespace packswarm::cli {

struct LackingList {
    std::string url;
    Digest digest;
    ByteCount size = 0;
};

struct CarriedSource {
    std::string id, format, suite, why_not;
    bool is_public = false;
    std::optional<std::int64_t> date, valid_until;  // seconds since the epoch
    core::ParcelRepository section;                 // with its root; empty where why_not says something
    std::vector<LackingList> lacking;
};

struct StoredRow {
    std::string repository, name;
    core::ParcelFile file;
    bool is_index = false;
};

class AgentStore {
  public:
    static Result<AgentStore> connect(const std::string& socket);

    Result<std::vector<CarriedSource>> sources();
    Result<std::vector<StoredRow>> stored();  // all of it, of all repositories
    Result<FileHandle> take(const core::ParcelFile& file);
    Result<void> fetch(const LackingList& list);  // into the store

  private:
    explicit AgentStore(control::Client client) : client_(std::move(client)) {}
    Result<control::Event> finish(const control::Get& get, Millis patience);

    control::Client client_;
};

}  // namespace packswarm::cli
