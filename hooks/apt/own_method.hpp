// AptOwnMethod: apt's own download method as a child of ours: it takes over what the agent cannot or may not do, and
// its replies go to apt as they are. Not here: choosing what it gets. Never blocks: the poll loop moves bytes when the
// pipes are ready. Errors: Broken when the program cannot be started, Transient when it has gone. One thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "hooks/apt/message.hpp"
#include "p2p/base/file.hpp"

namespace packswarm::hooks {

class AptOwnMethod {
  public:
    // program: its path; its name is the scheme, by which it knows what it is.
    static Result<std::unique_ptr<AptOwnMethod>> start(const std::string& program);
    ~AptOwnMethod();  // ends it
    AptOwnMethod(const AptOwnMethod&) = delete;

    void configure(const std::string& configuration) { outgoing_ += configuration; }  // the 601 as it came
    void acquire(const std::string& uri, const std::string& raw);

    int read_fd() const { return from_.fd(); }
    int write_fd() const { return to_.fd(); }
    bool wants_to_write() const { return !outgoing_.empty(); }
    Result<void> write();
    Result<std::vector<std::string>> read();  // whole messages for apt; its capabilities are left out
    const std::set<std::string>& owed() const { return owed_; }

  private:
    AptOwnMethod() = default;
    pid_t child_ = -1;
    FileHandle to_, from_;
    std::string outgoing_;
    AptMessageReader reader_;
    std::set<std::string> owed_;  // addresses it has not answered yet
};

bool ends_item(int code);  // a message of that code is the last about its item

// A signal that ends us must not leave children behind: they are interrupted first, as apt does with its methods.
void interrupt_children_on_signals();

}  // namespace packswarm::hooks
