#!/usr/bin/env bash
# pacman 6.0.2: a database that the server answers with 200 and a Last-Modified before that of pacman's copy is left out without a word.
#
# Seen: a repository publishes a new package; its database bears an older time than the one before (built on another host, or brought by a
# tool that keeps times). nginx, which compares for equality, answers 200 with the new database. pacman -Sy prints the same line of progress
# as for a download, ends with 0, and keeps its old database: the new package does not exist for it, until a database with a later time is
# published or somebody forces a refresh (-Syy). The signature beside it is judged by its own date alone, so the two can come from
# different publications.
# Matters for: mirrors and repository tools, which must never let a database's time go backwards, and caches between them and pacman.
set -euo pipefail

packages=(pacman-package-manager=6.0.2-3 libalpm13 makepkg=6.0.2-3 libarchive-tools libarchive13 nginx)
work=$(mktemp -d)
cleanup() { [ ! -s "$work/nginx.pid" ] || kill "$(cat "$work/nginx.pid")" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" tree; done
export LD_LIBRARY_PATH=$work/tree/usr/lib/$(uname -m)-linux-gnu PATH=$work/tree/usr/bin:$work/tree/usr/sbin:$PATH
mkdir -p served state cache log installed

publish() { # a package, and the database with it and all before it, of this time
  mkdir -p "content-$1"
  printf '%s\n' "pkgname = $1" "pkgbase = $1" 'pkgver = 1-1' 'pkgdesc = a package' 'url = http://example.org' 'builddate = 1' \
    'packager = Somebody <somebody@example.org>' 'size = 100' 'arch = any' >"content-$1/.PKGINFO"
  bsdtar -czf "served/$1-1-1-any.pkg.tar.gz" -C "content-$1" .PKGINFO
  (cd served && repo-add -q things.db.tar.gz "$1-1-1-any.pkg.tar.gz" && touch -d "$2" things.db.tar.gz)
}
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >nginx.conf <<N
pid $work/nginx.pid; error_log $work/nginx.err; worker_processes 1; events {}
http { log_format status '\$status \$uri'; access_log $work/nginx.log status; client_body_temp_path $work/log;
       server { listen 127.0.0.1:$port; root $work/served; } }
N
printf '%s\n' '[options]' 'Architecture = auto' 'SigLevel = Never' "DBPath = $work/state" "CacheDir = $work/cache" \
  "LogFile = $work/log/pacman.log" '[things]' "Server = http://127.0.0.1:$port" >pacman.conf
fetch() { LC_ALL=C pacman --config pacman.conf --root installed --dbpath state --noconfirm "$@" >said.txt 2>&1 && status=0 || status=$?; }
known() { fetch -Sl things; grep -o "things [a-z]*" said.txt | cut -d' ' -f2 | paste -sd' '; }

publish one '2026-03-02 12:00'
chmod -R a+rX "$work"
nginx -c "$work/nginx.conf"
fetch -Sy
publish two '2026-03-01 12:00'
: >nginx.log
fetch -Sy
refresh=$status
answer=$(cut -d' ' -f1 nginx.log | paste -sd' ')
after=$(known)
fetch -Syy
forced=$(known)
echo "pacman $(pacman --version | grep -oE 'v[0-9.]+' | head -n 1): exit $refresh, the server said $answer, known: $after; forced: $forced"
[ "$refresh" = 0 ] && [ "$answer" = 200 ] && [ "$after" = one ] && [ "$forced" = "one two" ] ||
  { echo "changed: not what stands above"; exit 1; }
echo "as described: the older database is left out, although the server sent it"
