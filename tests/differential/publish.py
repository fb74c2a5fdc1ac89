"""Publications: what a repository's owner puts on its servers, one state after the other: {path: (bytes, file time)}."""
import bz2
import copy
import gzip
import hashlib
import lzma
import subprocess
import time

from harness.processes import environment
from packages import deb, sha256, zstd

PACK = {"": lambda data: data, ".gz": lambda data: gzip.compress(data, 6, mtime=0), ".xz": lzma.compress,
        ".bz2": bz2.compress, ".zst": zstd}
FIELDS = {"MD5Sum": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
DAY = 86400


def release_date(seconds):
    return time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(seconds))


class Publication:
    """A Debian repository of a world as it stands now, and as a second server that lags still shows it."""

    def __init__(self, repository, pool, began):
        self.repository, self.pool = repository, pool
        self.packages = copy.deepcopy(repository.packages)
        self.key, self.signing = repository.key, repository.signing
        self.released = began - DAY  # Date of the newest Release
        self.file_time = began - DAY // 2
        self.number = 0
        self.kept = {}  # by-hash files and packages of former publications
        self.tree, self.lagging, self.earlier = {}, {}, []
        self.patches, self.listing = [], b""
        self.ever, self.digests = set(), set()  # of all that ever was here
        self.write()

    @property
    def prefix(self):
        return self.repository.base

    def tree_at(self, server):
        return self.lagging if server in self.repository.servers[1:] else self.tree

    root_names = ("InRelease", "Release", "Release.gpg")

    def root_folders(self):
        return [f"dists/{self.repository.suite}/" if self.repository.layout == "suite" else self.flat_folder()]

    def change(self, kind):
        """One step of its owner."""
        self.earlier.append((copy.deepcopy(self.packages), self.released, self.tree))
        self.lagging = self.tree
        self.number += 1
        self.released += 3600
        self.file_time += 60
        getattr(self, f"change_{kind}")()

    def change_new_version(self):
        for package in self.packages[:max(1, len(self.packages) // 2)]:
            package.version = f"{package.version}+{self.number}"
            package.size += 7
        self.write()

    def change_older_file_time(self):
        self.file_time -= 7200
        self.change_new_version()

    def change_same_file_time(self):
        self.file_time -= 60
        self.change_new_version()

    def change_signed_again(self):
        self.write()

    def change_reupload(self):
        self.packages[0].mark += 1
        self.write()

    def change_withdraw(self):
        if len(self.packages) > 1:
            gone = self.packages.pop()
            self.kept = {path: file for path, file in self.kept.items() if f"/{gone.name}_" not in f"/{path}"}
        self.write()

    def change_added(self):
        more = copy.deepcopy(self.packages[0])
        more.name, more.version = f"{more.name}-more{self.number}", "1.0"
        self.packages.append(more)
        self.write()

    def change_rollback(self):
        """The former state with its former date, as a restored backup shows it."""
        self.packages, self.released, tree = self.earlier[-1]
        self.packages = copy.deepcopy(self.packages)
        self.tree = {path: (data, self.file_time) for path, (data, _) in tree.items()}
        self.listing = self.packages_text()

    def change_same_date(self):
        """New content under the date of the former."""
        self.released -= 3600
        self.change_new_version()

    def change_signing(self):
        """From InRelease alone to Release and Release.gpg, or back."""
        if self.signing != "unsigned":
            self.signing = "inrelease" if self.signing == "detached" else "detached"
        self.write()

    def change_stranger_key(self):
        self.key = self.pool.COUNT - 1
        self.write()

    def change_other_key(self):
        self.key = (self.repository.key + 1) % (self.pool.COUNT - 1)
        self.write()

    def change_index_missing(self):
        """The Release is new, an index that it names is not there yet."""
        self.change_new_version()
        for path in [path for path in self.tree if "Packages" in path]:
            del self.tree[path]

    # ---- one state

    def write(self):
        self.listing, before = self.packages_text(), self.listing
        folder = "" if self.repository.layout != "suite" else f"{self.repository.component}/binary-amd64/"
        files = {f"{folder}Packages{ending}": PACK[ending](self.listing)
                 for ending in {"", *self.repository.compressions}}
        if self.repository.pdiffs:
            files.update(self.pdiff_files(folder, before))
        release = self.release_text(files)
        self.ever |= {f"{self.root_folders()[0]}{path}" for path in files}  # named, if not there
        if "" not in self.repository.compressions:  # a Release lists the plain file although no server has it
            del files[f"{folder}Packages"]
        top = self.root_folders()[0]
        tree = {f"{self.package_path(package)}": (deb(package), self.file_time) for package in self.packages}
        tree.update({path: file for path, file in self.kept.items() if path not in tree})
        indexes = {f"{top}{path}": (data, self.file_time) for path, data in files.items()}
        if self.repository.by_hash:
            for path, (data, at) in list(indexes.items()):
                parent = path.rpartition("/")[0]
                for field in self.repository.hashes:
                    folder = f"{parent + '/' if parent else ''}by-hash/{field}"
                    tree[f"{folder}/{hashlib.new(FIELDS[field], data).hexdigest()}"] = (data, at)
        self.kept = dict(tree)
        tree.update(indexes)
        tree.update({f"{top}{name}": (data, self.file_time) for name, data in self.roots(release).items()})
        self.tree = tree
        self.lagging = self.lagging or tree
        self.ever |= set(tree)
        self.digests |= {sha256(data) for data, _ in tree.values()} | {sha256(self.listing)}

    def roots(self, release):
        signing, roots = self.signing, {}
        if signing in ("inrelease", "both"):
            roots["InRelease"] = self.pool.clearsign(self.key, release)
        if signing != "inrelease":
            roots["Release"] = release
        if signing in ("both", "detached"):
            roots["Release.gpg"] = self.pool.detach(self.key, release, armor=True)
        return roots

    def flat_folder(self):
        return "" if self.repository.layout == "dot" else f"{self.repository.suite}/"

    def file_name(self, package):
        version = package.version.split(":")[-1]
        if self.repository.spelling == "percent" and ":" in package.version:
            version = package.version.replace(":", "%3a")
        return f"{package.name}_{version}_amd64.deb"

    def package_path(self, package):
        """Below the base."""
        if self.repository.layout == "suite":
            return f"pool/{self.repository.component}/{package.name[0]}/{self.file_name(package)}"
        return f"{self.flat_folder()}{self.file_name(package)}"

    def packages_text(self):
        out = []
        for package in self.packages:
            data = deb(package)
            path = self.package_path(package)
            path = f"./{path}" if self.repository.spelling == "dot" else path
            sums = {"MD5sum": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
            wanted = [field for field in sums if field in self.repository.hashes
                      or (field == "MD5sum" and "MD5Sum" in self.repository.hashes)]
            out.append(f"Package: {package.name}\nVersion: {package.version}\nArchitecture: amd64\n"
                       f"Maintainer: packswarm tests <tests@packswarm.invalid>\nSection: misc\nPriority: optional\nFilename: {path}\nSize: {len(data)}\n"
                       + "".join(f"{field}: {hashlib.new(sums[field], data).hexdigest()}\n" for field in wanted)
                       + f"Description: {package.size} seeded bytes\n")
        return "\n".join(out).encode()

    def release_text(self, files):
        one = self.repository
        lines = [f"Origin: {one.owner}", f"Label: {one.label}", f"Suite: {one.suite}", f"Codename: {one.codename}",
                 f"Date: {release_date(self.released)}",
                 "Architectures: amd64", f"Components: {one.component}",
                 f"Acquire-By-Hash: {'yes' if one.by_hash else 'no'}"]
        if one.valid_until != "none":
            valid = 30 * DAY if one.valid_until == "future" else 60
            lines.append(f"Valid-Until: {release_date(self.released + valid)}")
        if one.layout != "suite":
            lines = [line for line in lines if not line.startswith(("Components", "Suite", "Codename"))]
        for field in one.hashes:
            lines.append(f"{field}:")
            lines += [f" {hashlib.new(FIELDS[field], data).hexdigest()} {len(data):8} {path}" for path,
                      data in sorted(files.items())]
        return ("\n".join(lines) + "\n").encode()

    def pdiff_files(self, folder, before):
        """Packages.diff as dak writes it: ed scripts from each former listing to the next one."""
        if before and before != self.listing:
            name = f"{release_date(self.released)[5:]}".replace(" ", "-").replace(":", "")
            self.patches.append((name, before, ed_script(before, self.listing)))
        history = self.patches[-4:]
        if not history:
            return {}
        size = lambda data: f" {sha256(data)} {len(data)}"  # noqa: E731
        lines = [f"SHA256-Current:{size(self.listing)}", "SHA256-History:"]
        lines += [f"{size(old)} {name}" for name, old, _ in history]
        lines += ["SHA256-Patches:", *[f"{size(script)} {name}" for name, _, script in history]]
        packed = {name: PACK[".gz"](script) for name, _, script in history}
        lines += ["SHA256-Download:", *[f"{size(data)} {name}.gz" for name, data in packed.items()]]
        files = {f"{folder}Packages.diff/{name}.gz": data for name, data in packed.items()}
        return {**files, f"{folder}Packages.diff/Index": ("\n".join(lines) + "\n").encode()}


class Snapshot:
    """A repository as it was first published, at another address of the same servers."""

    PATH = "/snapshot/20260101T000000Z"

    def __init__(self, publication):
        self.prefix, self.tree = self.PATH + publication.prefix, publication.tree
        self.ever = set(publication.tree)
        self.root_names, self.root_folders = publication.root_names, publication.root_folders

    def tree_at(self, _):
        return self.tree


def ed_script(old, new):
    import tempfile
    with tempfile.NamedTemporaryFile() as one, tempfile.NamedTemporaryFile() as other:
        one.write(old), other.write(new)
        one.flush(), other.flush()
        return subprocess.run(["diff", "--ed", one.name, other.name], stdout=subprocess.PIPE, env=environment(),
                              check=False).stdout
