#include "hooks/apt/privileges.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace packswarm::hooks {

Result<void> become_user(const std::string& name) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (name.empty() || name == "root" || ::getuid() != 0) return {};
    const passwd* user = ::getpwnam(name.c_str());
    if (user == nullptr) return fail(ErrorKind::Broken, "no user {} on this machine", name);
    const auto uid = user->pw_uid;
    const auto gid = user->pw_gid;
    const bool done = ::setgroups(1, &gid) == 0 && ::setresgid(gid, gid, gid) == 0 && ::setresuid(uid, uid, uid) == 0;
    if (!done) return fail(ErrorKind::Broken, "becoming {}: {}", name, std::strerror(errno));
    const bool still_root = uid != 0 && ::setuid(0) == 0;
    if (still_root) return fail(ErrorKind::Broken, "root could be taken back after becoming {}", name);
    return {};
}

}  // namespace packswarm::hooks
