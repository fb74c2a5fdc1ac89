// download(): one file straight to a path, for the command line while the agent is away. By MirrorClient's rules first;
// what these refuse, as curl would get it: no upgrade fails that would not without us. Not here: verification; the
// package manager checks what it gets. Blocks the calling thread. Errors: as broker::MirrorEvents::done, and Broken for
// the disk.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "p2p/base/result.hpp"
#include "p2p/web/http_settings.hpp"

namespace packswarm::web {

enum class Resume { never, when_possible };

struct DownloadOptions {
    std::function<void(ByteCount done, std::optional<ByteCount> total)>
        progress;  // at most about 20 a second, and at the end
    std::optional<WallTime> if_modified_since;
    Resume resume = Resume::never;  // when_possible: bytes that out already holds are kept if the server's file
                                    // still has out's date
    ByteCount max_bytes = limits::max_artifact;
    Millis stall_timeout = limits::stall_timeout;
    HttpSettings http;
};

struct Downloaded {
    ByteCount size = 0;         // of the whole file, resumed bytes included
    bool not_modified = false;  // 304: out was not touched
    std::optional<WallTime> last_modified;
};

// Writes out in place (pacman's %o is a .part file already), and only once the server's answer is known to be the file.
// On success its modification time is the server's Last-Modified. A download that breaks off leaves its bytes for a
// resume.
Result<Downloaded> download(const std::string& url, const std::filesystem::path& out,
                            const DownloadOptions& options = {});

}  // namespace packswarm::web
