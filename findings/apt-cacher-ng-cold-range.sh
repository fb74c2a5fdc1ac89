#!/usr/bin/env bash
# apt-cacher-ng 3.7.4: whether a byte range is answered depends on where it begins and on whether the file is there already.
#
# Seen: for a file that it does not have, from an origin of 5 MB/s, a range from byte 0 is answered with 206, one from byte 1000000 with 200
# and the whole file from byte 0. Once the file is there, the same later range is answered with 206. When the origin is so quick that the
# range is there before the answer begins, it is 206 as well: one client sees either.
# Matters for: clients that fetch parts of one file from several mirrors, of which one is such a cache: the second connection of a cold file
# gets the whole of it, and a client that drops 200 answers to ranges never gets it from there.
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
seq 1 2000000 >served/pool/big_1_all.deb
size=$(stat -c %s served/pool/big_1_all.deb)
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
http { access_log off; client_body_temp_path $work/log; server { listen 127.0.0.1:$origin; root $work/served; limit_rate 5m; } }
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
ask() { # range -> "status bytes"
  curl -s -o answer -m 30 -r "$1" -w '%{http_code} %{size_download}\n' "http://127.0.0.1:$cache/origin/pool/big_1_all.deb"
}

cold=$(ask 1000000-1999999)
for _ in $(seq 100); do  # until the whole file is on its disk
  warm=$(ask 1000000-1999999)
  [ "$warm" = "206 1000000" ] && break
  sleep 0.1
done
cp served/pool/big_1_all.deb served/pool/other_1_all.deb
front=$(curl -s -o answer -m 30 -r 0-999 -w '%{http_code} %{size_download}\n' "http://127.0.0.1:$cache/origin/pool/other_1_all.deb")
echo "cold, from byte 1000000: $cold; warm, the same: $warm; cold, from byte 0: $front (status, bytes; the file has $size)"
[ "$cold" = "200 $size" ] && [ "$warm" = "206 1000000" ] && [ "$front" = "206 1000" ] || { echo "changed: not what stands above"; exit 1; }
echo "as described: a later range of a file that is not there yet is answered with the whole file"
