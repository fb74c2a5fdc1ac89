"""A clock that is wrong, for one program: a library that is loaded before libc's and answers what the wall clock says."""
import shutil

from .processes import run

SOURCE = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long shift(void) {
    const char* text = getenv("PACKSWARM_TEST_CLOCK_SHIFT");
    return text ? atol(text) : 0;
}
int clock_gettime(clockid_t clock, struct timespec* out) {
    long done = syscall(SYS_clock_gettime, clock, out);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) out->tv_sec += shift();
    return (int)done;
}
time_t time(time_t* out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval* out, void* zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


def compiler():
    return shutil.which("cc") or shutil.which("gcc")


class WrongClock:
    def __init__(self, folder):
        source, self.library = folder / "clock.c", folder / "clock.so"
        source.write_text(SOURCE)
        run([compiler(), "-shared", "-fPIC", "-O1", "-o", self.library, source])
        self.library.chmod(0o755)

    def env(self, seconds):
        """The environment of a program whose clock is ahead by so many seconds."""
        return {"LD_PRELOAD": str(self.library), "PACKSWARM_TEST_CLOCK_SHIFT": str(int(seconds))}
