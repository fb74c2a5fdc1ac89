#!/usr/bin/python3
"""A package manager that is at work when the agent starts: from the moment the control socket exists, one more file is asked for every
20 ms until one has come; after the last it gives up on the first and asks for it again. Prints one JSON line with CLOCK_MONOTONIC seconds.
asker.py SOCKET (URL SHA256 SIZE)...
"""
import json
import select
import socket
import sys
import time

EVERY, PATIENCE = 0.02, 30  # seconds


def connected(path):
    while True:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(path)
            return link
        except OSError:
            link.close()
            time.sleep(0.001)


def say(link, **command):
    link.sendall(json.dumps(command).encode() + b"\n")


def main():
    path, rest = sys.argv[1], sys.argv[2:]
    files = list(zip(rest[::3], rest[1::3], rest[2::3]))
    link = connected(path)
    first = time.monotonic()
    say(link, op="hello", asker="cli", version=1)
    number, pending, failure = 0, b"", None
    while time.monotonic() < first + PATIENCE:
        url, digest, size = files[number % len(files)]
        number += 1
        if number > len(files):
            say(link, op="cancel", id=number - len(files))
        say(link, op="get", id=number, url=url, sha256=digest, size=int(size))
        until = time.monotonic() + EVERY
        while select.select([link], [], [], max(0, until - time.monotonic()))[0]:
            pending += link.recv(1 << 16)
            *lines, pending = pending.split(b"\n")
            for event in map(json.loads, lines):
                if event["event"] == "done":
                    print(json.dumps({"asked": first, "done": time.monotonic(), "asks": number}), flush=True)
                    return
                failure = event.get("message", failure)
    sys.exit(f"nothing came: {failure}")


if __name__ == "__main__":
    main()
