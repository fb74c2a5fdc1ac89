"""What a lab needs of the machine: root, TAP devices, programs. Whoever lacks one is told what to install, before anything has begun."""
import os
import pathlib
import shutil

import contest
from harness.network import namespaces_work

ALWAYS = ("ip", "ss", "g++", "nginx", "gpg", "dpkg-deb", "apt-ftparchive", "bsdtar", "zstd", "pacman", "repo-add", "vercmp")
DEBIAN_PACKAGES = {
    "ip": "iproute2", "ss": "iproute2", "nginx": "nginx-light", "gpg": "gnupg", "dpkg-deb": "dpkg", "apt-ftparchive": "apt-utils", "apt-get": "apt",
    "bsdtar": "libarchive-tools", "pacman": "pacman-package-manager", "repo-add": "pacman-package-manager", "vercmp": "makepkg", "aria2c": "aria2",
    "setpriv": "util-linux",
}


def refuse(why):
    raise SystemExit(f"the lab cannot be built here: {why}")


def check(arguments, kinds):
    """Ends the program when something is missing that the clients of these kinds, or the lab itself, need."""
    if os.geteuid() != 0:
        refuse("it needs root, for network namespaces")
    lacking = sorted({name for name in [*ALWAYS, *(name for kind in kinds for name in kind.programs)] if not shutil.which(name)})
    if lacking:
        packages = " ".join(sorted({DEBIAN_PACKAGES.get(name, name) for name in lacking}))
        refuse(f"there is no {', '.join(lacking)}\n  apt-get install {packages}\nor all at once: contrib/install-packages build run demo test")
    if not pathlib.Path("/dev/net/tun").exists():
        refuse("there is no /dev/net/tun (modprobe tun; a container must be given that device)")
    if not namespaces_work():
        refuse("network namespaces do not work (a container must be a privileged one)")
    unbuilt = [name for name in contest.agents.PROGRAMS if not (arguments.build / name).is_file()]
    if unbuilt:
        refuse(f"{arguments.build} has no {', '.join(unbuilt)}\n  cmake --preset release && cmake --build build\nor name another folder with --build")
