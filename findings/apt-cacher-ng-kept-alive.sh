#!/usr/bin/env bash
# apt-cacher-ng 3.7.4: a file that it has is given some 40 ms later on a connection that is kept than on a new one.
#
# Seen: 40 files of 20,000 bytes that are in the cache, asked for one after the other. On one kept connection half of the answers take 40 ms
# or more from the request to the last byte; with a connection for each, half of them take less than 10 ms. The first answer of the kept
# connection is quick too.
# Matters for: clients that fetch many small files one after the other on a kept connection: 2,000 of them take 80 s longer than from the
# origin itself. Several requests under way at a time hide it, and so does a new connection for each.
set -euo pipefail

packages=(apt-cacher-ng=3.7.4-1+b2 libevent-2.1-7 libevent-pthreads-2.1-7 libwrap0 nginx curl)
work=$(mktemp -d)
began=()
cleanup() { for pid in "${began[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"; }
trap cleanup EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" tree; done
export LD_LIBRARY_PATH=$work/tree/usr/lib/$(uname -m)-linux-gnu PATH=$work/tree/usr/sbin:$work/tree/usr/bin:$PATH
mkdir -p served/pool settings cache log
for number in $(seq 1 40); do head -c 20000 /dev/zero >"served/pool/small${number}_1_all.deb"; done
read -r origin cache < <(python3 -c '
import random, socket
def free():  # apt-cacher-ng takes no port above 32767
    while True:
        with socket.socket() as one:
            try: one.bind(("127.0.0.1", random.randrange(20000, 32000)))
            except OSError: continue
            return one.getsockname()[1]
print(free(), free())')
cat >nginx.conf <<N
daemon off; pid $work/nginx.pid; error_log $work/nginx.err; worker_processes 1; events {}
http { access_log off; client_body_temp_path $work/log; server { listen 127.0.0.1:$origin; root $work/served; } }
N
cat >settings/acng.conf <<A
CacheDir: $work/cache
LogDir: $work/log
SocketPath: $work/socket
PidFile: $work/acng.pid
SupportDir: $work/tree/usr/lib/apt-cacher-ng
BindAddress: 127.0.0.1
Port: $cache
Remap-origin: /origin ; http://127.0.0.1:$origin/
ForeGround: 1
A
chmod -R a+rX "$work"
nginx -c "$work/nginx.conf" &
began+=($!)
apt-cacher-ng -c settings ForeGround=1 >acng.out 2>&1 &
began+=($!)
for _ in $(seq 100); do
  if curl -s -o /dev/null "http://127.0.0.1:$cache/" && curl -s -o /dev/null "http://127.0.0.1:$origin/"; then break; fi
  sleep 0.1
done

base=http://127.0.0.1
milliseconds() { sort -n | sed -n 20p | awk '{ printf "%d\n", $1 * 1000 }'; } # of seconds, one a line: the median
ask() { # curl's arguments -> seconds of each answer, its connection left out
  curl -s -o /dev/null -m 30 -w '%{time_total} %{time_connect} %{http_code}\n' "$@" | awk '$3 == 200 { print $1 - $2 }'
}
ask "$base:$cache/origin/pool/small[1-40]_1_all.deb" >filled
[ "$(wc -l <filled)" = 40 ] || { echo "changed: the cache does not give the files"; exit 1; }
sleep 1
kept=$(ask "$base:$cache/origin/pool/small[1-40]_1_all.deb" | milliseconds)
alone=$(for number in $(seq 1 40); do ask "$base:$cache/origin/pool/small${number}_1_all.deb"; done | milliseconds)
direct=$(ask "$base:$origin/pool/small[1-40]_1_all.deb" | milliseconds)
echo "median of 40 answers: on one connection $kept ms, on one for each $alone ms, from the origin on one connection $direct ms"
[ "$kept" -ge 35 ] && [ "$alone" -lt 15 ] && [ "$direct" -lt 15 ] || { echo "changed: not what stands above"; exit 1; }
echo "as described: on a kept connection each answer comes some 40 ms later"
