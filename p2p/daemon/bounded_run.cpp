#include "p2p/daemon/bounded_run.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::daemon {

namespace {

constexpr auto reap_interval = Millis(5);
constexpr rlim_t max_memory = 2 * limits::gib;

struct Actions {
    posix_spawn_file_actions_t files{};
    posix_spawnattr_t attributes{};
    Actions() {
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawnattr_init(&attributes);
    }
    ~Actions() {
        ::posix_spawn_file_actions_destroy(&files);
        ::posix_spawnattr_destroy(&attributes);
    }
};

}  // namespace

BoundedRun::BoundedRun(boost::asio::io_context& io, Loop& loop, const Program& program, Then then)
    : loop_(loop),
      output_(io),
      buffer_(64 * limits::kib, '\0'),
      max_output_(program.max_output),
      then_(std::move(then)) {
    if (auto started = start(program); !started) {
        loop_.post(lifetime_.guard([this, error = started.error()] { end(tl::unexpected(error)); }));
        return;
    }
    deadline_ = loop_.after(program.deadline, [this] {
        deadline_ = TimerId::none;
        end(fail(ErrorKind::Transient, "it did not end in time"));
    });
    read();
}

BoundedRun::~BoundedRun() {
    lifetime_.end();
    loop_.cancel(deadline_);
    kill();
}

Result<void> BoundedRun::start(const Program& program) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail(ErrorKind::Broken, "a pipe: {}", std::strerror(errno));
    output_.assign(ends[0]);
    const FileHandle theirs(ends[1]);
    ::fcntl(ends[1], F_SETFL, 0);  // a program does not expect its output to be non-blocking
    Actions actions;
    ::posix_spawn_file_actions_addopen(&actions.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions.files, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions.files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&actions.files, STDERR_FILENO + 1);
    ::posix_spawn_file_actions_addchdir_np(&actions.files, "/");
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&actions.attributes, &none);
    ::posix_spawnattr_setsigdefault(&actions.attributes, &all);
    ::posix_spawnattr_setpgroup(&actions.attributes, 0);
    ::posix_spawnattr_setflags(&actions.attributes,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    std::vector<char*> argv{const_cast<char*>(program.path.c_str())};
    for (const auto& argument : program.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    std::string path = "PATH=/usr/bin:/bin", locale = "LC_ALL=C";
    char* environment[] = {path.data(), locale.data(), nullptr};
    pid_t pid = 0;
    if (const int error =
            ::posix_spawn(&pid, program.path.c_str(), &actions.files, &actions.attributes, argv.data(), environment);
        error != 0)
        return fail(ErrorKind::Absent, "{} cannot be run: {}", program.path, std::strerror(error));
    pid_ = pid;
    const rlimit memory{max_memory, max_memory}, no_core{0, 0};
    ::prlimit(pid_, RLIMIT_AS, &memory, nullptr);
    ::prlimit(pid_, RLIMIT_CORE, &no_core, nullptr);
    return {};
}

void BoundedRun::read() {
    output_.async_read_some(boost::asio::buffer(buffer_),
                            lifetime_.guard([this](const boost::system::error_code& error, std::size_t got) {
                                if (!then_) return;
                                if (error) return reap();  // its end of the pipe is closed
                                text_.append(buffer_, 0, got);
                                if (static_cast<ByteCount>(text_.size()) > max_output_)
                                    return end(fail(ErrorKind::Refused, "it wrote more than {} bytes", max_output_));
                                read();
                            }));
}

void BoundedRun::reap() {
    if (!then_) return;
    int status = 0;
    const auto got = ::waitpid(pid_, &status, WNOHANG);
    if (got == 0) {
        loop_.after(reap_interval, lifetime_.guard([this] { reap(); }));
        return;
    }
    pid_ = 0;
    if (got < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return end(
            fail(ErrorKind::Refused, "it ended with {}", got > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1));
    end(std::move(text_));
}

void BoundedRun::end(Result<std::string> result) {
    loop_.cancel(deadline_);
    deadline_ = TimerId::none;
    kill();
    if (const auto then = std::exchange(then_, {})) then(std::move(result));
}

void BoundedRun::kill() {
    if (pid_ == 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);  // at once: nothing survives that signal
    pid_ = 0;
}

}  // namespace packswarm::daemon
