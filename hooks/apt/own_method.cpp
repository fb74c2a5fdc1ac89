#include "hooks/apt/own_method.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace packswarm::hooks {
namespace {

constexpr std::size_t max_children = 16;
std::array<volatile pid_t, max_children> children{};  // 0: free; read by the signal handler

void remember(pid_t child) {
    for (auto& slot : children)
        if (slot == 0) {
            slot = child;
            return;
        }
}

void forget(pid_t child) {
    for (auto& slot : children)
        if (slot == child) slot = 0;
}

void interrupt_children(int signal) {
    for (const auto& child : children)
        if (child > 0) ::kill(child, SIGINT);
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

struct Pipe {
    FileHandle read, write;
    static Result<Pipe> create() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return fail(ErrorKind::Broken, "creating a pipe: {}", std::strerror(errno));
        return Pipe{FileHandle(ends[0]), FileHandle(ends[1])};
    }
};

Result<pid_t> spawn(const std::string& program, const Pipe& input, const Pipe& output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, input.read.fd(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output.write.fd(), STDOUT_FILENO);
    sigset_t defaults;
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    std::string name = program;
    std::array<char*, 2> arguments{name.data(), nullptr};
    pid_t child = -1;
    const int error = ::posix_spawn(&child, program.c_str(), &actions, &attributes, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) return fail(ErrorKind::Broken, "starting apt's own method {}: {}", program, std::strerror(error));
    return child;
}

}  // namespace

bool ends_item(int code) { return code == 103 || code == 201 || code == 400; }

void interrupt_children_on_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        if (::signal(signal, interrupt_children) == SIG_IGN) ::signal(signal, SIG_IGN);  // nohup stays nohup
}

Result<std::unique_ptr<AptOwnMethod>> AptOwnMethod::start(const std::string& program) {
    auto input = Pipe::create();
    if (!input) return tl::unexpected(input.error());
    auto output = Pipe::create();
    if (!output) return tl::unexpected(output.error());
    const auto child = spawn(program, *input, *output);
    if (!child) return tl::unexpected(child.error());
    remember(*child);
    ::fcntl(input->write.fd(), F_SETFL, O_NONBLOCK);
    ::fcntl(output->read.fd(), F_SETFL, O_NONBLOCK);
    std::unique_ptr<AptOwnMethod> method(new AptOwnMethod);
    method->child_ = *child;
    method->to_ = std::move(input->write);
    method->from_ = std::move(output->read);
    return method;
}

AptOwnMethod::~AptOwnMethod() {
    to_ = FileHandle();
    ::kill(child_, SIGINT);
    ::waitpid(child_, nullptr, 0);
    forget(child_);
}

void AptOwnMethod::acquire(const std::string& uri, const std::string& raw) {
    outgoing_ += raw;
    owed_.insert(uri);
}

Result<void> AptOwnMethod::write() {
    while (!outgoing_.empty()) {
        const auto put = ::write(to_.fd(), outgoing_.data(), outgoing_.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno == EAGAIN) return {};
        if (put < 0) return fail(ErrorKind::Transient, "apt's own method has gone: {}", std::strerror(errno));
        outgoing_.erase(0, static_cast<std::size_t>(put));
    }
    return {};
}

Result<std::vector<std::string>> AptOwnMethod::read() {
    std::array<char, 1 << 16> buffer;
    const auto got = ::read(from_.fd(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::vector<std::string>{};
    if (got <= 0) return fail(ErrorKind::Transient, "apt's own method has gone");
    auto messages = reader_.feed({buffer.data(), static_cast<std::size_t>(got)});
    if (!messages) return messages;
    std::vector<std::string> for_apt;
    for (auto& text : *messages) {
        const auto message = AptMessage::parse(text);
        if (!message) return tl::unexpected(message.error());
        if (message->code() == 100) continue;
        if (ends_item(message->code())) owed_.erase(std::string(message->find("URI")));
        for_apt.push_back(std::move(text));
    }
    return for_apt;
}

}  // namespace packswarm::hooks
