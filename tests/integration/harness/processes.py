"""Programs under test and their helpers: run to the end with a deadline, or kept as children that are ended by pid."""
import os
import pathlib
import shutil
import signal
import subprocess
import time


class Failed(AssertionError):
    """A program ended otherwise than asked, or a condition did not come true in time."""


def wait_until(condition, seconds, what):
    """Asks again and again until condition() gives something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def size_of(path, allocated=False):
    """Bytes of a file (or those that it takes on the disk) that may be made, moved or removed in this moment: 0 while it is not there."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return 0
    return found.st_blocks * 512 if allocated else found.st_size


def environment(extra=None):
    """A small environment of our own: nothing of the caller's proxies, languages or configuration leaks into a test."""
    kept = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", **(extra or {})}


def run(argv, timeout=60, check=True, env=None, stdin=None, binary=False, **more):
    """Runs a program to its end; stdout and stderr come together in .stdout."""
    argv = [str(part) for part in argv]
    child = subprocess.Popen(argv, env=environment(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=not binary,
                             errors=None if binary else "replace", start_new_session=True,
                             stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, **more)
    try:
        output, _ = child.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = child.communicate()
        raise Failed(f"{' '.join(argv)}\ndid not end within {timeout} s:\n{output[-4000:]}") from None
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    if check and child.returncode:
        raise Failed(f"{' '.join(argv)}\nended with {child.returncode}:\n{output[-4000:]}")
    return subprocess.CompletedProcess(argv, child.returncode, output, None)


class Child:
    """A program that goes on running; its output goes to a log file."""

    def __init__(self, argv, log, env=None, **more):
        self.argv, self.log = [str(part) for part in argv], pathlib.Path(log)
        self.out = open(self.log, "ab")
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.argv, env=environment(env), stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out,
                                        start_new_session=True, **more)
        self.pid = self.process.pid
        self.asked = False

    def alive(self):
        return self.process.poll() is None

    def text(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        self.end(signal.SIGKILL)

    def ask_to_end(self):
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            self.asked = True

    def end(self, sign=signal.SIGTERM, within=10):
        """Asks it to end; returns (exit code, seconds it took). Whoever does not listen is killed, which is an error."""
        begin = time.monotonic()
        if self.alive() and not (self.asked and sign == signal.SIGTERM):
            self.process.send_signal(sign)
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
            raise Failed(f"{self.argv[0]} (pid {self.pid}) had to be killed:\n{self.text()[-3000:]}") from None
        finally:
            self._end_rest()
        return self.process.returncode, time.monotonic() - begin

    def wait(self, timeout):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{' '.join(self.argv)}\ndid not end within {timeout} s:\n{self.text()[-3000:]}") from None

    def _end_rest(self):
        self.out.close()
        try:  # what it started itself and left in its own session
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def remove_folder(folder):
    """With all that is in it. A gpg-agent that is ending takes its own sockets away at the same time."""
    def gone(function, path, caught):
        if not issubclass(caught[0], FileNotFoundError):
            raise caught[1]
    shutil.rmtree(folder, onerror=gone)


class Household:
    """Remembers what has to be ended or taken down, and does it in reverse order whatever happens."""

    def __init__(self):
        self.ends, self.children = [], []

    def add(self, end):
        self.ends.append(end)

    def child(self, *args, **more):
        child = Child(*args, **more)
        self.children.append(child)
        self.add(lambda: child.alive() and child.end())
        return child

    def close(self):
        errors = []
        for child in self.children:  # all at once: an agent takes most of a second
            child.ask_to_end()
        self.children.clear()
        while self.ends:
            try:
                self.ends.pop()()
            except Exception as error:  # the rest has to be taken down all the same
                errors.append(str(error))
        if errors:
            raise Failed("while clearing up: " + "\n".join(errors))
