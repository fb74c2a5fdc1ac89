#!/usr/bin/env python3
"""A small agent for tests of its clients: speaks the control protocol over a unix socket and serves files of a folder, well or badly.

fake_agent.py SOCKET FOLDER [--mode MODE] [--prefix /debian] [--rate BYTES_PER_SECOND] [--after BYTES] [--source BASE]
Modes: good refuse absent silent stall die die_wrong die_at_signature die_at_list wrong replaced too_big garbage unasked. It prints "ready", then one line of JSON per command.
"""
import argparse
import hashlib
import json
import os
import pathlib
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.parse

SLICE = 1 << 17


class Connection:
    def __init__(self, link, options):
        self.link, self.options, self.writing, self.cancelled = link, options, threading.Lock(), set()

    def say(self, event, number, file=None, **members):
        line = json.dumps({"event": event, "id": number, **({"fd": True} if file else {}), **members}).encode() + b"\n"
        with self.writing:
            if file:
                with open(f"/proc/self/fd/{file.fileno()}", "rb") as readable:
                    socket.send_fds(self.link, [line], [readable.fileno()])
            else:
                self.link.sendall(line)

    def serve(self):
        try:
            for line in self.link.makefile("rb"):
                command = json.loads(line)
                print(json.dumps(command), flush=True)
                if command["op"] == "cancel":
                    self.cancelled.add(command["id"])
                elif command["op"] == "get":
                    threading.Thread(target=self.get, args=(command,), daemon=True).start()
                elif command["op"] != "hello":
                    self.answer(command)
        except (OSError, ValueError):
            pass

    def answer(self, command):
        answers = json.loads(self.options.answers.read_text()) if self.options.answers else {}
        if command["op"] in answers:
            self.say("answer", command["id"], result=answers[command["op"]])
        else:
            self.say("failed", command["id"], kind="refused", message=f"no answer to {command['op']}")

    def get(self, command):
        try:
            getattr(self, f"get_{self.options.mode}")(command, command["id"])
        except OSError:
            pass

    def path(self, command):
        name = urllib.parse.unquote(urllib.parse.urlsplit(command["url"]).path).removeprefix(self.options.prefix).lstrip("/")
        return self.options.folder / name

    def load(self, command):
        path = self.path(command)
        if not path.is_file():
            self.say("failed", command["id"], kind="absent", message=f"no mirror or peer has {path.name}")
            return None, None
        modified = int(path.stat().st_mtime)
        if command.get("since", -1) >= modified:
            self.say("not_modified", command["id"])
            return None, None
        return path.read_bytes(), modified

    def get_good(self, command, number, spoil=lambda data: data, early=lambda data: data, stop=None):
        data, modified = self.load(command)
        if data is None:
            return
        if "sha256" in command:  # apt itself checks the signature of what it knows no digest of
            data = spoil(data)
        with tempfile.TemporaryFile() as file:
            if len(data) > SLICE or stop:
                self.say("start", number, file, size=len(data), modified=modified)
                if not self.grow(number, file, early(data), stop):
                    return
            file.seek(0)
            file.write(data)
            file.flush()
            self.say("done", number, file, size=len(data), modified=modified, sha256=hashlib.sha256(data).hexdigest(),
                     sources=[{"kind": "mirror", "source": self.options.source, "bytes": len(data)}])

    def grow(self, number, file, data, stop):
        for begin in range(0, len(data), SLICE):
            if number in self.cancelled:
                return False
            file.write(data[begin:begin + SLICE])
            file.flush()
            there = min(len(data), begin + SLICE)
            self.say("progress", number, received=there, prefix=there, safe=0)
            if stop and there >= min(self.options.after, len(data)):
                stop()
                return False
            if self.options.rate:
                time.sleep(SLICE / self.options.rate)
        return True

    def get_refuse(self, command, number):
        self.say("failed", number, kind="refused", message="not today")

    def get_absent(self, command, number):
        self.say("failed", number, kind="absent", message="no mirror or peer has it")

    def get_silent(self, command, number):
        pass

    def get_stall(self, command, number):
        self.get_good(command, number, stop=lambda: None)

    def get_die(self, command, number):
        self.get_good(command, number, stop=lambda: os.kill(os.getpid(), signal.SIGKILL))

    def get_die_wrong(self, command, number):
        """What it has shown by then is wrong, too."""
        self.get_good(command, number, early=lambda data: bytes(len(data)), stop=lambda: os.kill(os.getpid(), signal.SIGKILL))

    def get_die_at_signature(self, command, number):
        if command["url"].endswith(".sig"):
            os.kill(os.getpid(), signal.SIGKILL)
        self.get_good(command, number)

    def get_die_at_list(self, command, number):
        if "/binary-" in command["url"]:
            os.kill(os.getpid(), signal.SIGKILL)
        self.get_good(command, number)

    def get_wrong(self, command, number):
        self.get_good(command, number, spoil=lambda data: bytes(byte ^ 0x55 for byte in data[:4096]) + data[4096:])

    def get_replaced(self, command, number):
        """The bytes shown early were wrong and are right at the end."""
        self.get_good(command, number, early=lambda data: bytes(len(data)))

    def get_too_big(self, command, number):
        self.get_good(command, number, spoil=lambda data: data + bytes(1 << 20))

    def get_garbage(self, command, number):
        with self.writing:
            self.link.sendall(b"{\"event\": \"start\", \"id\": -1}\n\x00\x01 201 URI Done\n")

    def get_unasked(self, command, number):
        """Talks of what nobody asked for, then does its work, and puts line ends and codes into its texts."""
        self.say("done", number + 1_000_000, size=1)
        self.say("progress", number + 1_000_000, received=1, prefix=1, safe=0)
        self.say("failed", number, kind="transient", message="one\n\n201 URI Done\nURI: x\n\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--mode", default="good")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--after", type=int, default=0)
    parser.add_argument("--source", default="http://mirror.invalid", help="where it says that the bytes come from")
    parser.add_argument("--answers", type=pathlib.Path, help="JSON file: operation -> result")
    options = parser.parse_args()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(options.socket))
    options.socket.chmod(0o666)
    listener.listen(64)
    print("ready", flush=True)
    while True:
        link, _ = listener.accept()
        threading.Thread(target=Connection(link, options).serve, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
