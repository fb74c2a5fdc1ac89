"""Torrents (BEP 3) with web seeds (BEP 19) and one tracker, for clients that know nothing else: one of each package, or one of all."""
import functools
import hashlib
import pathlib

from harness.gossip import bencoded

SMALL_PIECES, LARGE_PIECES = 1 << 16, 1 << 18
LARGE = 1 << 21  # bytes; files from there on have large pieces
SET = "set"      # what the torrent of all packages is called


def pieces_of(files, length):
    """SHA-1 of each piece of what the files are one after the other."""
    digests, rest = [], b""
    for file in files:
        with open(file, "rb") as data:
            while block := data.read(length - len(rest)):
                rest += block
                if len(rest) == length:
                    digests.append(hashlib.sha1(rest).digest())
                    rest = b""
    return b"".join(digests + ([hashlib.sha1(rest).digest()] if rest else []))


@functools.cache
def of_one(file, size):
    length = LARGE_PIECES if size >= LARGE else SMALL_PIECES
    return {b"name": file.name.encode(), b"length": size, b"piece length": length, b"pieces": pieces_of([file], length)}


@functools.cache
def of_all(files):
    """`files`: (path, size) of each. Web seeds serve them as <address>/set/<name>."""
    entries = [{b"length": size, b"path": [file.name.encode()]} for file, size in files]
    return {b"name": SET.encode(), b"piece length": LARGE_PIECES, b"pieces": pieces_of([file for file, _ in files], LARGE_PIECES), b"files": entries}


def infohash(info):
    return hashlib.sha1(bencoded(info)).hexdigest()


def write(path, info, tracker, web_seeds):
    fields = {b"announce": tracker.encode(), b"info": info, b"url-list": [address.encode() for address in web_seeds]}
    pathlib.Path(path).write_bytes(bencoded(fields))
    return path
