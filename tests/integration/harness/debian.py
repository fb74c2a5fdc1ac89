"""A signed Debian repository of real .deb files with seeded content, made with dpkg-deb and apt-ftparchive."""
import bz2
import dataclasses
import gzip
import hashlib
import lzma
import os
import pathlib
import random
import shutil
import time

from .processes import run

PACKERS = {
    "": lambda data: data,
    ".gz": lambda data: gzip.compress(data, 6, mtime=0),
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    ".zst": lambda data: run(["zstd", "-q", "-c"], stdin=data, binary=True).stdout,
}


@dataclasses.dataclass(frozen=True)
class Package:
    name: str
    version: str
    path: str  # below the repository's base
    size: int
    sha256: str


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def http_date(seconds):
    return time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(seconds))


RANDOM_AT_ONCE = 128 << 20  # bytes


class PublishedAt:
    """The file times of one publication after the other, a minute apart and all in the past.

    Last-Modified counts whole seconds, and a server says "not modified" to whoever names the same one: two publications within one
    second would be one to every client that asks whether anything is new. What a test changes by hand bears the time of the change."""

    def __init__(self):
        self.time = int(time.time()) - 86400

    def stamp(self, files):
        self.time += 60
        for file in files:
            os.utime(file, (self.time, self.time))


class DebianRepository:
    """Files below `base`; publish() writes and signs dists/<suite>."""

    hashes = ("SHA256",)  # in its indexes and by-hash folders

    def __init__(self, base, key, suite="stable", component="main", architecture="amd64"):
        self.base, self.key, self.suite, self.component, self.architecture = pathlib.Path(base), key, suite, component, architecture
        self.packages = {}
        self.published_at = PublishedAt()
        self.base.mkdir(parents=True, exist_ok=True)

    def add(self, name, size, version="1.0", seed=0, depends=""):
        """A package that holds `size` bytes nobody can compress."""
        folder = self.base / "pool" / self.component / name[0] / name
        folder.mkdir(parents=True, exist_ok=True)
        tree = self.base / f".build-{name}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/share" / name).mkdir(parents=True)
        chance = random.Random(f"{name} {version} {seed}")
        with open(tree / "usr/share" / name / "data", "wb") as data:  # randbytes() takes less than 256 MiB at a time
            for at in range(0, size, RANDOM_AT_ONCE):
                data.write(chance.randbytes(min(RANDOM_AT_ONCE, size - at)))
        control = [f"Package: {name}", f"Version: {version}", f"Architecture: {self.architecture}", "Maintainer: packswarm tests <tests@packswarm.invalid>",
                   "Section: misc", "Priority: optional", f"Description: {size} seeded bytes"]
        if depends:
            control.insert(3, f"Depends: {depends}")
        (tree / "DEBIAN/control").write_text("\n".join(control) + "\n")
        file = folder / f"{name}_{version.split(':')[-1]}_{self.architecture}.deb"
        packing = ["-Znone"] if size > 1 << 18 else ["-Zgzip", "-z1"]  # none is quick, but pads to 20 KiB
        run(["dpkg-deb", "--root-owner-group", *packing, "--build", tree, file], env={"SOURCE_DATE_EPOCH": "1700000000"})
        shutil.rmtree(tree)
        self.packages[name] = Package(name, version, str(file.relative_to(self.base)), file.stat().st_size, sha256(file))
        return self.packages[name]

    def publish(self, date=None, valid_until=None, by_hash=True, compressions=("", ".xz", ".gz"), inrelease=True, detached=True, key=None, edit_packages=None,
                edit_release=None):
        """Writes Packages*, Release and its signatures. Dates are seconds; the edits take and give text, for indexes that must be refused."""
        dist = self.base / "dists" / self.suite
        shutil.rmtree(dist, ignore_errors=True)
        folder = dist / self.component / f"binary-{self.architecture}"
        folder.mkdir(parents=True)
        text = run(["apt-ftparchive", *self._hash_options(), "packages", "pool"], cwd=self.base).stdout
        data = (edit_packages(text) if edit_packages else text).encode()
        for ending in {"", *compressions}:
            (folder / f"Packages{ending}").write_bytes(PACKERS[ending](data))
        release = self._release(dist, date or time.time() - 60, valid_until, by_hash)
        if "" not in compressions:  # a Release lists the plain file although no mirror has it; apt asks for nothing that is not listed so
            (folder / "Packages").unlink()
        if by_hash:
            self._link_by_hash(folder)
        self._sign(dist, edit_release(release) if edit_release else release, inrelease, detached, key or self.key)
        for path in (self.base, *self.base.rglob("*")):
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
        self.published_at.stamp(file for file in dist.rglob("*") if file.is_file())
        return self

    def _release(self, dist, date, valid_until, by_hash):
        fields = {"Origin": "packswarm tests", "Label": "packswarm tests", "Suite": self.suite, "Codename": self.suite, "Architectures": self.architecture,
                  "Components": self.component, "Acquire-By-Hash": "yes" if by_hash else "no"}
        options = [part for name, value in fields.items() for part in ("-o", f"APT::FTPArchive::Release::{name}={value}")]
        text = run(["apt-ftparchive", *self._hash_options(), *options, "release", dist]).stdout
        lines = [f"Date: {http_date(date)}" if line.startswith("Date:") else line for line in text.splitlines()]
        if valid_until:
            lines.insert(1, f"Valid-Until: {http_date(valid_until)}")
        return "\n".join(lines) + "\n"

    def _hash_options(self):
        return [f"--{name.lower()}={'yes' if name in self.hashes else 'no'}" for name in ("MD5", "SHA1", "SHA256", "SHA512")]

    def _link_by_hash(self, folder):
        files = list(folder.glob("Packages*"))
        for name in self.hashes:
            (folder / "by-hash" / name).mkdir(parents=True)
            for file in files:
                os.link(file, folder / "by-hash" / name / hashlib.new(name, file.read_bytes()).hexdigest())

    @staticmethod
    def _sign(dist, text, inrelease, detached, key):
        release = dist / "Release"
        release.write_text(text)
        if inrelease:
            key.clearsign(release, dist / "InRelease")
        if detached:
            key.detach(release, dist / "Release.gpg", armor=True)
        else:
            release.unlink()
