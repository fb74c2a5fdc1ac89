"""A signed archive with the paths and sizes of the Packages file that this machine's apt has, and content of our own.

Each file has its real length: up to 4 KiB of bytes drawn from its path, then a hole that reads as zeros and takes no disk. The index
lists the digests of these bytes, so every digest is the true one of what is served, and none is the digest of the real package.
"""
import concurrent.futures
import dataclasses
import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

from harness.debian import http_date
from harness.processes import run

HEAD = 4096  # bytes that are really there
ZEROS = bytes(1 << 20)
LISTS = pathlib.Path("/var/lib/apt/lists")


@dataclasses.dataclass(frozen=True)
class Entry:
    path: str
    size: int
    sha256: str


def real_index():
    """The text of the largest Packages file that apt-get update has left on this machine, and the file's name."""
    files = [file for file in LISTS.glob("*_binary-amd64_Packages*") if file.is_file()]
    if not files:
        raise SystemExit("apt has no Packages file here: run apt-get update first")
    largest = max(files, key=lambda file: file.stat().st_size)
    text = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", str(largest)], check=True, capture_output=True).stdout.decode()
    return text, largest.name


def head_of(path, size):
    seed = hashlib.sha256(path.encode()).digest()
    return b"".join(hashlib.sha256(seed + bytes([block])).digest() for block in range(HEAD // 32))[:size]


def make_file(job):
    """Writes one file and returns the digest of its bytes."""
    base, path, size = job
    head = head_of(path, size)
    digest = hashlib.sha256(head)
    left = size - len(head)
    while left > 0:
        digest.update(ZEROS if left >= len(ZEROS) else ZEROS[:left])
        left -= len(ZEROS)
    file = pathlib.Path(base) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "wb") as out:
        out.write(head)
        out.truncate(size)
    file.chmod(0o644)
    return digest.hexdigest()


class SparseArchive:
    """<base>/pool and <base>/dists/stable, owned by `owner` so that its agent may take hard links. Made once: a finished one is used again."""

    SUITE, COMPONENT, ARCHITECTURE = "stable", "main", "amd64"

    def __init__(self, base, key, owner="nobody", most=None):
        self.base, self.key, self.owner, self.most = pathlib.Path(base), key, owner, most
        done = self.base / "entries.json"
        if not done.exists():
            shutil.rmtree(self.base, ignore_errors=True)
            self.base.mkdir(parents=True)
            done.write_text(json.dumps(self._make()))
        self.source, rows = json.loads(done.read_text())
        self.entries = [Entry(*row) for row in rows]
        self._sign()

    def _make(self):
        text, source = real_index()
        stanzas = [stanza for stanza in text.split("\n\n") if stanza.strip()][:self.most]
        field = {name: re.compile(rf"^{name}: (.+)$", re.M) for name in ("Filename", "Size")}
        jobs = [(str(self.base), field["Filename"].search(stanza)[1], int(field["Size"].search(stanza)[1])) for stanza in stanzas]
        with concurrent.futures.ProcessPoolExecutor(initializer=os.nice, initargs=(19,)) as pool:
            digests = list(pool.map(make_file, jobs, chunksize=64))
        old = re.compile(r"^(SHA256|MD5sum|SHA1|SHA512): .+\n", re.M)
        fresh = "\n\n".join(old.sub("", stanza.strip("\n") + "\n") + f"SHA256: {digest}" for stanza, digest in zip(stanzas, digests)) + "\n"
        folder = self.base / "dists" / self.SUITE / self.COMPONENT / f"binary-{self.ARCHITECTURE}"
        folder.mkdir(parents=True)
        (folder / "Packages.gz").write_bytes(gzip.compress(fresh.encode(), 6, mtime=0))
        if self.owner:
            run(["chown", "-R", self.owner, self.base], timeout=600)
        return source, [(path, size, digest) for (_, path, size), digest in zip(jobs, digests)]

    def _sign(self):
        dist = self.base / "dists" / self.SUITE
        file = dist / self.COMPONENT / f"binary-{self.ARCHITECTURE}" / "Packages.gz"
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        release = dist / "Release"
        release.write_text(f"Origin: packswarm bench\nSuite: {self.SUITE}\nCodename: {self.SUITE}\nDate: {http_date(time.time() - 60)}\n"
                           f"Architectures: {self.ARCHITECTURE}\nComponents: {self.COMPONENT}\nSHA256:\n"
                           f" {digest} {file.stat().st_size} {file.relative_to(dist)}\n")
        self.key.clearsign(release, dist / "InRelease")
        release.unlink()
        (dist / "InRelease").chmod(0o644)

    def content_right(self, entry, path):
        """Whether the file at path is the entry's, byte for byte."""
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest() == entry.sha256
