"""Prints a line for each connection that this namespace begins: address, port, and the kernel's own number of the attempt.

Runs as a program of its own until it is ended: dials.py ADDRESS...   (own addresses). A SYN that the kernel sends again counts once.
"""
import socket
import struct
import sys

ALL = 0x0003  # ETH_P_ALL
SYN, ACK = 2, 16


def main(own):
    line = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    print("ready", flush=True)
    seen = set()
    while True:
        packet, _ = line.recvfrom(2048)
        if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != 6:
            continue
        tcp = packet[(packet[0] & 15) * 4:]
        begins = tcp[13] & (SYN | ACK) == SYN
        source, target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        from_port, port, sequence = struct.unpack(">HHI", tcp[:8])
        if begins and source in own and (from_port, target, port, sequence) not in seen:
            seen.add((from_port, target, port, sequence))
            print(target, port, flush=True)


if __name__ == "__main__":
    main(set(sys.argv[1:]))
