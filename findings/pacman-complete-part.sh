#!/usr/bin/env bash
# pacman 6.0.2: a complete file left as NAME.part in the cache fails the transaction with "wrong or NULL argument passed", for good.
#
# Seen: the package lies in the cache whole, still named NAME.pkg.tar.gz.part (a download that ended between its last byte and the renaming).
# pacman subtracts its size from what is to be downloaded, has nothing left to ask any server for, and gives up: exit 1, "failed to commit
# transaction (wrong or NULL argument passed)". No server is asked, no file is named, and every further try ends the same. Deleting the
# .part file heals it.
# Matters for: whatever writes .part files for pacman, and whoever has to say what is wrong.
set -euo pipefail

packages=(pacman-package-manager=6.0.2-3 libalpm13 makepkg=6.0.2-3 libarchive-tools libarchive13 nginx)
work=$(mktemp -d)
cleanup() { [ ! -s "$work/nginx.pid" ] || kill "$(cat "$work/nginx.pid")" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" tree; done
export LD_LIBRARY_PATH=$work/tree/usr/lib/$(uname -m)-linux-gnu PATH=$work/tree/usr/bin:$work/tree/usr/sbin:$PATH
mkdir -p content/usr/share/one served state cache log installed

printf '%s\n' 'pkgname = one' 'pkgbase = one' 'pkgver = 1-1' 'pkgdesc = a package' 'url = http://example.org' 'builddate = 1' \
  'packager = Somebody <somebody@example.org>' 'size = 100' 'arch = any' >content/.PKGINFO
seq 1 40000 >content/usr/share/one/numbers
bsdtar -czf served/one-1-1-any.pkg.tar.gz -C content .PKGINFO usr
(cd served && repo-add -q things.db.tar.gz one-1-1-any.pkg.tar.gz)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >nginx.conf <<N
pid $work/nginx.pid; error_log $work/nginx.err; worker_processes 1; events {}
http { access_log $work/nginx.log; client_body_temp_path $work/log; server { listen 127.0.0.1:$port; root $work/served; } }
N
cat >pacman.conf <<P
[options]
Architecture = auto
SigLevel = Never
DBPath = $work/state
CacheDir = $work/cache
LogFile = $work/log/pacman.log
[things]
Server = http://127.0.0.1:$port
P
chmod -R a+rX "$work"
nginx -c "$work/nginx.conf"
fetch() { LC_ALL=C pacman --config pacman.conf --root installed --dbpath state --noconfirm "$@" >said.txt 2>&1 && status=0 || status=$?; }

fetch -Sy
[ $status = 0 ] || { cat said.txt; exit 1; }
cp served/one-1-1-any.pkg.tar.gz cache/one-1-1-any.pkg.tar.gz.part
: >nginx.log
for attempt in 1 2; do
  fetch -Sw one
  echo "pacman $(pacman --version | grep -oE 'v[0-9.]+' | head -n 1), attempt $attempt: exit $status, $(grep -c . nginx.log || true) requests, $(grep -oE 'failed to commit.*' said.txt)"
  [ $status = 1 ] && grep -q 'wrong or NULL argument passed' said.txt && [ ! -s nginx.log ] || { echo "changed: not what stands above"; exit 1; }
done
rm cache/*.part
fetch -Sw one
[ $status = 0 ] || { echo "changed: deleting the file does not heal it"; exit 1; }
echo "as described: the complete .part file ends each transaction; without it pacman downloads the package"
