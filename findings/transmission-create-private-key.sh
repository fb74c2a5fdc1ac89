#!/usr/bin/env bash
# transmission-create 3.00 writes "private" into the info dict of a public torrent, so its infohash differs from that of every other maker.
#
# Seen: the same file, name and piece size (256 KiB). mktorrent 1.1, ctorrent 1.3.4.dnh3.3.2 and buildtorrent 0.8 agree on one infohash.
# transmission-create adds the key "private" with the value 0 and gets another one, without the option --private. Peers of the one torrent
# never meet peers of the other, though the content is the same.
# Matters for: torrents that several people make of one published file and expect to be one swarm.
set -euo pipefail

packages=(transmission-cli=3.00-2.1+deb12u1 mktorrent=1.1-3 ctorrent=1.3.4.dnh3.3.2-5+b1 buildtorrent=0.8-7 libminiupnpc17
  libnatpmp1 libevent-2.1-7)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" tree; done
export LD_LIBRARY_PATH=$work/tree/usr/lib/$(uname -m)-linux-gnu
programs=$work/tree/usr/bin

seq 1 350000 >artifact.bin
tracker=http://127.0.0.1:1/announce
"$programs/transmission-create" -s 256 -o transmission.torrent artifact.bin >/dev/null
"$programs/mktorrent" -l 18 -a $tracker -o mktorrent.torrent artifact.bin >/dev/null
"$programs/ctorrent" -t -u $tracker -l 262144 -s ctorrent.torrent artifact.bin >/dev/null
"$programs/buildtorrent" -a $tracker -l 262144 artifact.bin buildtorrent.torrent >/dev/null

cat >info.py <<'PY'
import hashlib, sys

def decoded(data, at=0):
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in b"ld":
        parts, at = [], at + 1
        while data[at:at + 1] != b"e":
            began = at
            value, at = decoded(data, at)
            parts.append((value, began, at))
        if kind == b"l":
            return [part[0] for part in parts], at + 1
        return {parts[n][0]: parts[n + 1] for n in range(0, len(parts), 2)}, at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end], end

data = open(sys.argv[1], "rb").read()
info, began, end = decoded(data)[0][b"info"]
print(hashlib.sha1(data[began:end]).hexdigest(), ",".join(sorted(key.decode() for key in info)))
PY

declare -A seen
for maker in transmission mktorrent ctorrent buildtorrent; do
  seen[$maker]=$(python3 info.py $maker.torrent)
  echo "$maker: ${seen[$maker]}"
done
[ "${seen[mktorrent]}" = "${seen[ctorrent]}" ] && [ "${seen[mktorrent]}" = "${seen[buildtorrent]}" ] ||
  { echo "changed: the three others no longer agree"; exit 1; }
case ${seen[transmission]} in
  *",private") echo "as described: transmission-create alone writes \"private\", its infohash stands alone" ;;
  *) echo "changed: transmission-create writes no \"private\" key any more"; exit 1 ;;
esac
