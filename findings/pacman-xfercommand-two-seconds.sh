#!/usr/bin/env bash
# pacman 6.0.2: after each XferCommand that ends with another code than 0 it sleeps two seconds, one such pause for every server and file.
#
# Seen: a database with one server and an XferCommand that fails at once takes 2.0 s, with three servers 6.0 s; pacman's own downloader is
# done with three refused servers in some hundredths of a second. Nothing is printed meanwhile, and no option shortens it. An optional
# signature that a server does not have costs nothing: pacman 6.0 does not ask its XferCommand for signatures at all.
# Matters for: whoever puts a download program behind pacman and wants failures to be quick. A program that tries all servers of a
# repository by itself before it fails spares the pauses between them.
set -euo pipefail

packages=(pacman-package-manager=6.0.2-3 libalpm13 libarchive13)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" tree; done
export LD_LIBRARY_PATH=$work/tree/usr/lib/$(uname -m)-linux-gnu PATH=$work/tree/usr/bin:$PATH
mkdir -p state cache log installed
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')  # nobody listens there

milliseconds() { # of pacman -Sy with so many servers and this line of options
  {
    printf '%s\n' '[options]' 'Architecture = auto' 'SigLevel = Never' "DBPath = $work/state" "CacheDir = $work/cache" \
      "LogFile = $work/log/pacman.log" "$2" '[things]'
    for ((server = 0; server < $1; server++)); do echo "Server = http://127.0.0.1:$port/$server"; done
  } >pacman.conf
  local began
  began=$(date +%s%3N)
  LC_ALL=C pacman --config pacman.conf --root installed --dbpath state --noconfirm -Sy >said.txt 2>&1 && { echo "it did not fail" >&2; exit 1; }
  echo $(($(date +%s%3N) - began))
}

one=$(milliseconds 1 'XferCommand = /bin/false %u %o')
three=$(milliseconds 3 'XferCommand = /bin/false %u %o')
own=$(milliseconds 3 '')
echo "pacman $(pacman --version | grep -oE 'v[0-9.]+' | head -n 1): one server $one ms, three servers $three ms, its own downloader with three $own ms"
((one >= 2000 && three >= 6000 && own < 1900)) || { echo "changed: not what stands above"; exit 1; }
echo "as described: two seconds for each XferCommand that fails"
