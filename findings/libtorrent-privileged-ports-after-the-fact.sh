#!/usr/bin/env bash
# libtorrent 2.0.11: a filter of ports reaches torrents without apply_ip_filter, and takes back a peer that was added before it was set.
#
# Seen: a torrent without the flag apply_ip_filter gets a peer with port 1000 by connect_peer. Then no_connect_privileged_ports, a filter of the
# ports up to 1024, is switched on before the next dial. 2.0.8 (Debian 12) dials the peer: for such a torrent the filter counts for what is added
# after it. 2.0.11 (Debian 13) drops the peer and never dials it.
# Matters for: agents that let libtorrent dial only what they chose themselves, by a filter that is open for a moment; after the upgrade they
# meet nobody. Needs root, for a listener below 1024 in a network namespace of its own.
set -euo pipefail

mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep '/debian$' | head -1)
[ "$(id -u)" = 0 ] || { echo "skipped: a port below 1024 needs root"; exit 0; }
[ -n "$mirror" ] || { echo "skipped: none of this machine's sources is a mirror of Debian"; exit 0; }
old=(python3-libtorrent=2.0.8-1+b1 libtorrent-rasterbar2.0=2.0.8-1+b1 libboost-python1.74.0 libpython3.11 python3.11-minimal libpython3.11-minimal
  libpython3.11-stdlib libc6 libstdc++6 libgcc-s1 libssl3 zlib1g libexpat1 libffi8 libbz2-1.0 liblzma5 libuuid1 libcrypt1)
new=(python3-libtorrent=2.0.11-1 libtorrent-rasterbar2.0t64=2.0.11-1 libboost-python1.83.0 libpython3.13 python3.13-minimal
  libpython3.13-minimal libpython3.13-stdlib libc6 libstdc++6 libgcc-s1 libssl3t64 zlib1g libexpat1 libffi8 libbz2-1.0 liblzma5 libuuid1 libzstd1)
work=$(mktemp -d)
here=ports-$$
trap 'ip netns del "$here" 2>/dev/null || true; rm -rf "$work"' EXIT
ip netns add "$here"
ip -n "$here" link set lo up
cd "$work"

fetch() { # release package...: into a folder of the release's name
  local release=$1 state=$work/$1.apt
  shift
  mkdir -p "$state/lists/partial" "$release"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$state/list"
  local options=(-qq -o APT::Sandbox::User=root -o Dir::Etc::SourceList="$state/list" -o Dir::Etc::SourceParts=/nonexistent
    -o Dir::State::Lists="$state/lists" -o Dir::State::Status=/dev/null -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
  apt-get "${options[@]}" update
  (cd "$release" && apt-get "${options[@]}" download "$@")
  for package in "$release"/*.deb; do dpkg -x "$package" "$release/tree"; done
}

cat >session.py <<'PY'
import socket, sys, time
import libtorrent as lt

door = socket.create_server(("127.0.0.1", 1000))
door.settimeout(6)
session = lt.session({"listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
                      "enable_outgoing_utp": False, "torrent_connect_boost": 0, "no_connect_privileged_ports": False})
wish = lt.parse_magnet_uri("magnet:?xt=urn:btih:" + "61" * 20)
wish.save_path, wish.flags = ".", lt.torrent_flags.apply_ip_filter if sys.argv[1] == "filtered" else 0
torrent = session.add_torrent(wish)
time.sleep(1)
torrent.connect_peer(door.getsockname())
session.apply_settings({"no_connect_privileged_ports": True})
try:
    door.accept()
    print(lt.__version__, sys.argv[1], "dials")
except TimeoutError:
    print(lt.__version__, sys.argv[1], "does not dial")
PY

try() { # release python (free or filtered: whether the torrent has apply_ip_filter)
  local tree=$work/$1/tree triplet
  triplet=$(uname -m)-linux-gnu
  local libraries=$tree/usr/lib/$triplet:$tree/lib/$triplet
  local loader
  loader=$(find "$tree" -name 'ld-linux-*.so.*' | head -1)
  PYTHONHOME=$tree/usr PYTHONPATH=$tree/usr/lib/python3/dist-packages ip netns exec "$here" "$loader" --library-path "$libraries" "$tree/usr/bin/$2" session.py "$3"
}

fetch bookworm "${old[@]}"
fetch trixie "${new[@]}"
said=$(try bookworm python3.11 free; try bookworm python3.11 filtered; try trixie python3.13 free)
echo "$said"
if [ "$said" = "2.0.8.0 free dials
2.0.8.0 filtered does not dial
2.0.11.0 free does not dial" ]; then
  echo "as described: the newer one takes back what was added before the filter"
else
  echo "changed: not what stands above"
  exit 1
fi
