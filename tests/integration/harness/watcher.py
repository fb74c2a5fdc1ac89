#!/usr/bin/python3
"""Watches one interface and says what agents do to be found, and when: one JSON object a line, with CLOCK_MONOTONIC seconds.

watcher.py INTERFACE. It prints "ready" first. "what" is lan (BEP 14 announce), dht (an announce_peer), tracker (HTTP or UDP), tell (the peer
channel's answer to an ask); announces come with their infohash. Knows nothing of the agents' own counters.
"""
import json
import re
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35  # the kernel's own time of a frame, so that a busy machine does not make it late
TELL = b"\x14\x15\x03"  # an extended message, under the number that agents give the channel, of type tell
LSD_PORT, UDP_ANNOUNCE = 6771, 1


def quoted(text):
    """The 20 bytes behind a percent-encoded infohash."""
    out, at = bytearray(), 0
    while at < len(text):
        if text[at:at + 1] == b"%":
            out.append(int(text[at + 1:at + 3], 16))
            at += 3
        else:
            out.append(text[at])
            at += 1
    return bytes(out)


def of_udp(port, data):
    if port == LSD_PORT and data.startswith(b"BT-SEARCH"):
        return [("lan", found.decode()) for found in re.findall(rb"Infohash: ([0-9a-f]{40})", data)]
    if b"13:announce_peer" in data:
        at = data.find(b"9:info_hash20:")
        return [("dht", data[at + 14:at + 34].hex())]
    if len(data) >= 98 and struct.unpack(">I", data[8:12])[0] == UDP_ANNOUNCE and port == 6969:
        return [("tracker", data[16:36].hex())]
    return []


def of_tcp(data):
    found = [("tracker", quoted(one).hex()) for one in re.findall(rb"GET /announce\?[^ ]*info_hash=([^& ]*)", data)]
    return found + ([("tell", "")] if TELL in data else [])


def seen(frame):
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return []
    head = 14 + (frame[14] & 15) * 4
    protocol, end = frame[23], 14 + struct.unpack(">H", frame[16:18])[0]
    if protocol == 17:
        return of_udp(struct.unpack(">H", frame[head + 2:head + 4])[0], frame[head + 8:end])
    if protocol == 6:
        return of_tcp(frame[head + (frame[head + 12] >> 4) * 4:max(end, len(frame))])
    return []


def main():
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    link.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    link.bind((sys.argv[1], 0))
    print("ready", flush=True)
    while True:
        frame, more, _, address = link.recvmsg(1 << 17, 256)
        when = next((struct.unpack("qq", data[:16]) for level, kind, data in more if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)), None)
        t = time.monotonic() - (time.time() - when[0] - when[1] / 1e9 if when else 0)
        for what, infohash in seen(frame):
            print(json.dumps({"t": t, "what": what, "infohash": infohash, "out": address[2] == socket.PACKET_OUTGOING}), flush=True)


if __name__ == "__main__":
    main()
