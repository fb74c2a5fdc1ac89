#!/usr/bin/env bash
# apt-cacher-ng 3.7.4: a Port above 32767 is not listened on; it says "Error resolving address for binding: Success" and goes on running.
#
# Seen: with BindAddress 127.0.0.1 and Port 32767 it listens; with 32768 it prints that line, listens nowhere and does not end.
# Matters for: tests and containers that let the system choose a free port for the cache; the range it chooses from begins at 32768.
set -euo pipefail

packages=(apt-cacher-ng=3.7.4-1+b2 libevent-2.1-7 libevent-pthreads-2.1-7 libwrap0)
work=$(mktemp -d)
pid=""
cleanup() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" tree; done
export LD_LIBRARY_PATH=$work/tree/usr/lib/$(uname -m)-linux-gnu

listens() { # port -> yes or no; what it said stands in said.txt
  local answer=no
  rm -rf settings state && mkdir -p settings state
  printf '%s\n' "CacheDir: $work/state" "LogDir: $work/state" "SocketPath: $work/state/socket" "PidFile: $work/state/pid" \
    "SupportDir: $work/tree/usr/lib/apt-cacher-ng" "BindAddress: 127.0.0.1" "Port: $1" >settings/acng.conf
  tree/usr/sbin/apt-cacher-ng -c "$work/settings" ForeGround=1 >said.txt 2>&1 &
  pid=$!
  for _ in $(seq 50); do
    if python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$1" 2>/dev/null; then answer=yes; break; fi
    grep -q 'Error resolving' said.txt && break
    sleep 0.1
  done
  kill -0 "$pid" && running=yes || running=no
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  pid=""
  echo "port $1: listens $answer, runs $running, says \"$(head -n 1 said.txt)\""
  [ $answer = "$2" ] && [ $running = yes ]
}

if listens 32767 yes && listens 32768 no && grep -q 'Error resolving address for binding: Success' said.txt; then
  echo "as described: 32767 is the last port that it takes"
else
  echo "changed: not what stands above"
  exit 1
fi
