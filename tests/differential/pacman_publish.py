"""Publications of a pacman repository: database, packages, signatures, in memory as {path: (bytes, file time)}."""
import base64
import copy
import gzip

from packages import arch_package, sha256, tar_of

DAY = 86400


class PacmanPublication:
    """Below base/$repo/os/$arch; the same face as publish.Publication."""

    def __init__(self, repository, pool, began):
        self.repository, self.pool, self.key = repository, pool, repository.key
        self.packages = copy.deepcopy(repository.packages)
        self.file_time = began - DAY // 2
        self.number = 0
        self.tree, self.lagging, self.earlier, self.kept = {}, {}, [], {}
        self.ever, self.digests = set(), set()
        self.root_names = tuple(f"{repository.suite}.db{ending}" for ending in ("", ".sig")) + tuple(
            f"{repository.suite}.files{ending}" for ending in ("", ".sig"))
        self.write()

    @property
    def prefix(self):
        return self.repository.base

    @property
    def folder(self):
        return f"{self.repository.suite}/os/x86_64/"

    def root_folders(self):
        return [self.folder]

    def tree_at(self, server):
        return self.lagging if server in self.repository.servers[1:] else self.tree

    def change(self, kind):
        self.earlier.append((copy.deepcopy(self.packages), self.tree))
        self.lagging = self.tree
        self.number += 1
        self.file_time += 60
        getattr(self, f"change_{kind}")()

    def change_new_version(self):
        for package in self.packages[:max(1, len(self.packages) // 2)]:
            head, _, release = package.version.rpartition("-")
            package.version = f"{head}-{int(release) + 1}"
        self.write()

    def change_older_file_time(self):
        self.file_time -= 7200
        self.change_new_version()

    def change_signed_again(self):
        self.write()

    def change_reupload(self):
        self.packages[0].mark += 1
        self.kept = {}
        self.write()

    def change_withdraw(self):
        if len(self.packages) > 1:
            gone = self.packages.pop()
            self.kept = {path: file for path, file in self.kept.items()
                         if not path.startswith(f"{self.folder}{gone.name}-")}
        self.write()

    def change_added(self):
        more = copy.deepcopy(self.packages[0])
        more.name, more.version = f"{more.name}-more{self.number}", "1.0-1"
        self.packages.append(more)
        self.write()

    def change_rollback(self):
        self.packages, tree = self.earlier[-1]
        self.packages = copy.deepcopy(self.packages)
        self.tree = {path: (data, self.file_time) for path, (data, _) in tree.items()}

    def write(self):
        signing = self.repository.signing
        tree, entries = dict(self.kept), {}
        for package in self.packages:
            data = arch_package(package)
            name = f"{package.name}-{package.version}-x86_64.pkg.tar.zst"
            signature = self.pool.detach(self.key, data, armor=False) if signing != "unsigned" else None
            tree[f"{self.folder}{name}"] = (data, self.file_time)
            if signature:
                tree[f"{self.folder}{name}.sig"] = (signature, self.file_time)
            entries[f"{package.name}-{package.version}/desc"] = self.entry(package, name, data, signature
                                                                           if signing != "detached" else None)
        self.kept = dict(tree)
        listing = tar_of(entries)
        for ending in ("db", "files"):
            path = f"{self.folder}{self.repository.suite}.{ending}"
            tree[path] = (gzip.compress(listing, 6, mtime=self.file_time), self.file_time)
            if signing in ("both", "inrelease"):
                tree[f"{path}.sig"] = (self.pool.detach(self.key, tree[path][0], armor=False), self.file_time)
        self.tree = tree
        self.lagging = self.lagging or tree
        self.ever |= set(tree)
        self.digests |= {sha256(data) for data, _ in tree.values()}

    @staticmethod
    def entry(package, name, data, signature):
        fields = {"FILENAME": name, "NAME": package.name, "BASE": package.name, "VERSION": package.version,
                  "DESC": "seeded bytes", "CSIZE": len(data),
                  "ISIZE": package.size, "SHA256SUM": sha256(data)}
        if signature:
            fields["PGPSIG"] = base64.b64encode(signature).decode()
        fields.update({"URL": "https://packswarm.invalid/", "LICENSE": "custom", "ARCH": "x86_64",
                       "BUILDDATE": 1_700_000_000,
                       "PACKAGER": "packswarm tests <tests@packswarm.invalid>"})
        return "".join(f"%{field}%\n{value}\n\n" for field, value in fields.items()).encode()
