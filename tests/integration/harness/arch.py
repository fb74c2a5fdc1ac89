"""A signed pacman repository: packages made with bsdtar and zstd, the database by repo-add."""
import os
import pathlib
import random
import shutil

from .debian import Package, PublishedAt, sha256
from .pacman import installed_version
from .processes import run


class PacmanRepository:
    """Files in one folder, served as <base>/<repo>/os/<arch>."""

    def __init__(self, base, key, name="lab", architecture="x86_64"):
        self.key, self.name, self.architecture = key, name, architecture
        self.base = pathlib.Path(base)
        self.folder = self.base / name / "os" / architecture
        self.folder.mkdir(parents=True)
        self.packages = {}
        self.published_at = PublishedAt()

    def add(self, name, size, version="1.0-1", seed=0):
        tree = self.base / f".build-{name}"
        (tree / "usr/share" / name).mkdir(parents=True)
        (tree / "usr/share" / name / "data").write_bytes(random.Random(f"{name} {version} {seed}").randbytes(size))
        (tree / ".PKGINFO").write_text("\n".join([
            f"pkgname = {name}", f"pkgbase = {name}", f"pkgver = {version}", "pkgdesc = seeded bytes", "url = https://packswarm.invalid/",
            "builddate = 1700000000", "packager = packswarm tests <tests@packswarm.invalid>", f"size = {size}", f"arch = {self.architecture}",
            "license = custom"]) + "\n")
        file = self.folder / f"{name}-{version}-{self.architecture}.pkg.tar.zst"
        plain = self.base / f".build-{name}.tar"
        run(["bsdtar", "--uid", "0", "--gid", "0", "-cf", plain, ".PKGINFO", "usr"], cwd=tree)
        run(["zstd", "-q", "-f", "-1", "--rm", "-o", file, plain])
        shutil.rmtree(tree)
        self.key.detach(file, f"{file}.sig")
        self.packages[name] = Package(name, version, f"{self.name}/os/{self.architecture}/{file.name}", file.stat().st_size, sha256(file))
        return self.packages[name]

    def publish(self, signed=True, package_signatures=True):
        """`package_signatures`: they stand in the database. Before pacman 6.1 they do whenever repo-add finds them, later when it is told."""
        options = ["--sign", "--key", self.key.fingerprint] if signed else []
        if package_signatures and installed_version() >= (6, 1):
            options.append("--include-sigs")
        for old in self.folder.glob(f"{self.name}.*"):
            old.unlink()
        files = [self.base / package.path for package in self.packages.values()]
        aside = [] if package_signatures else list(self.folder.glob("*.pkg.tar.zst.sig"))
        for signature in aside:
            signature.rename(f"{signature}.aside")
        run(["repo-add", "-q", *options, f"{self.name}.db.tar.gz", *files], cwd=self.folder, env={"GNUPGHOME": str(self.key.home)}, timeout=120)
        for signature in aside:
            pathlib.Path(f"{signature}.aside").rename(signature)
        for path in (self.base, *self.base.rglob("*")):
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
        self.published_at.stamp(file for file in self.folder.glob(f"{self.name}.*") if not file.is_symlink())
        return self
