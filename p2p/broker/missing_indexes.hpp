// MissingIndexes: gets the lists of packages that a root names and nobody asked for, so that what they list is known:
// from the package manager's own lists, which it may have patched; else from peers; else from mirrors, within a budget
// a day. Not here: which are missing (index_book.hpp). Loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/requests.hpp"

namespace packswarm::broker {

// Lists that a package manager of this machine keeps. Absent: none of that address; Transient: another version of it,
// or the wrong bytes.
class LocalLists {
  public:
    virtual ~LocalLists() = default;
    virtual void told(const std::string& folder) = 0;  // the package manager named its folder
    virtual Result<FileHandle> open(const core::Repository& repository, const core::IndexEntry& plain) = 0;
};

class MissingIndexes {
  public:
    MissingIndexes(Loop& loop, Requests& requests, IndexBook& book, Trust& trust)
        : loop_(loop), requests_(requests), book_(book), trust_(trust) {}

    void set_lists(LocalLists* lists) { lists_ = lists; }
    // What mirrors gave today for this purpose, and the most that they may.
    void set_budget(ByteCount most, std::function<ByteCount(const std::string& transaction)> spent);
    void told(const std::string& folder);  // a package manager named its folder of lists
    void want(const core::Repository& repository, const MissingIndex& missing);
    void hurry();  // no package manager is expected to bring what is missing: others are asked for it now

    static std::string transaction_of(WallTime now);  // one a day (UTC)

  private:
    struct Quest {
        core::Repository repository;
        MissingIndex missing;
        std::size_t looks = 0;
        std::size_t forms_asked = 0;  // of peers, beyond the smallest one
        TimerId next_look = TimerId::none;
    };
    using Key = std::pair<core::RepositoryId, Digest>;  // repository and the packed index

    void look(const Key& key);
    void look_again(const Key& key, const Error& error);
    void ask(const Key& key, From from);
    void peers_have_none(const Key& key);
    void ask_mirrors(const Key& key);

    Loop& loop_;
    Requests& requests_;
    IndexBook& book_;
    Trust& trust_;
    LocalLists* lists_ = nullptr;
    ByteCount most_ = 0;
    std::function<ByteCount(const std::string&)> spent_;
    std::map<Key, Quest> quests_;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
