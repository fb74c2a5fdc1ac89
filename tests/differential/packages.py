"""Package files made without their tools, real .deb and .pkg.tar.zst; and OpenPGP keys that a whole run shares."""
import functools
import gzip
import hashlib
import io
import pathlib
import random
import subprocess
import tarfile
import threading

from harness.keys import SigningKey, pacman_keyring
from harness.processes import environment

BUILT = 1_700_000_000  # seconds; the file time of every member


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(data), 0o644, BUILT
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def seeded_bytes(package):
    return random.Random(f"{package.name} {package.version} {package.mark}").randbytes(package.size)


def control_of(package):
    return (f"Package: {package.name}\nVersion: {package.version}\nArchitecture: amd64\n"
            f"Maintainer: packswarm tests <tests@packswarm.invalid>\n"
            f"Section: misc\nPriority: optional\nDescription: {package.size} seeded bytes, mark {package.mark}\n")


def key_of(package):
    return package.name, package.version, package.size, package.mark


def deb(package):
    """deb(5): an ar archive of a version, control and data."""
    control = gzip.compress(tar_of({"./control": control_of(package).encode()}), 1, mtime=0)
    data = tar_of({f"./usr/share/{package.name}/data": seeded_bytes(package)})
    out = [b"!<arch>\n"]
    for name, content in (("debian-binary", b"2.0\n"), ("control.tar.gz", control), ("data.tar", data)):
        head = f"{name:<16}{BUILT:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        out.append(head.encode() + content + b"\n" * (len(content) % 2))
    return b"".join(out)


@functools.lru_cache(4096)
def _arch_package(name, version, size, mark):
    data = random.Random(f"{name} {version} {mark}").randbytes(size)
    info = (f"pkgname = {name}\npkgbase = {name}\npkgver = {version}\npkgdesc = seeded bytes {mark}\n"
            f"url = https://packswarm.invalid/\nbuilddate = {BUILT}\n"
            f"packager = packswarm tests <tests@packswarm.invalid>\nsize = {size}\narch = x86_64\nlicense = custom\n")
    return zstd(tar_of({".PKGINFO": info.encode(), f"usr/share/{name}/data": data}))


def arch_package(package):
    return _arch_package(*key_of(package))


def zstd(data):
    return subprocess.run(["zstd", "-q", "-1", "-c"], input=data, stdout=subprocess.PIPE, check=True,
                          env=environment()).stdout


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class KeyPool:
    """Keys by number; what was signed once is remembered."""

    COUNT = 5  # the last one is a stranger's: no keyring holds it

    def __init__(self, folder, household):
        self.folder, self.signed, self.guard = pathlib.Path(folder), {}, threading.Lock()
        self.folder.mkdir(parents=True)
        self.keys = [SigningKey(self.folder / f"key{number}", f"differential{number}", household)
                     for number in range(self.COUNT)]
        self.public = [key.export(self.folder / f"key{number}.gpg").read_bytes() for number,
                       key in enumerate(self.keys)]
        self.pacman_keyring = pacman_keyring(self.folder / "pacman", self.keys[:-1], household)

    def keyring(self, path, numbers):
        path = pathlib.Path(path)
        path.write_bytes(b"".join(self.public[number] for number in numbers))
        path.chmod(0o644)
        return path

    def sign(self, number, data, *options):
        """`options`: --clearsign, or --detach-sign with or without --armor."""
        known = (number, options, sha256(data))
        with self.guard:
            if known in self.signed:
                return self.signed[known]
        key = self.keys[number]
        made = subprocess.run(["gpg", "--homedir", str(key.home), "--batch", "--yes", "--quiet", "--pinentry-mode",
                               "loopback", "--local-user", key.fingerprint,
                               *options], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
                              check=True).stdout
        with self.guard:
            self.signed[known] = made
        return made

    def clearsign(self, number, data):
        return self.sign(number, data, "--clearsign")

    def detach(self, number, data, armor):
        return self.sign(number, data, *(["--armor"] if armor else []), "--detach-sign")
