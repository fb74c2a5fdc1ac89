#!/usr/bin/env bash
# libtorrent 2.0.8: one local discovery announce that cannot be sent ends local discovery for the rest of the session, without a word.
#
# Seen: a session with enable_lsd announces one torrent every two seconds. The interface goes down for six seconds and comes back with its
# route. No announce follows, and no alert says so. Switching enable_lsd off and on brings the announces back. A laptop that sleeps, or a
# firewall that is loaded anew, is enough.
# Matters for: agents that find their neighbours by BEP 14. Needs root, for a network namespace of its own.
set -euo pipefail

[ "$(id -u)" = 0 ] || { echo "skipped: a network namespace needs root"; exit 0; }
packages=(python3-libtorrent=2.0.8-1+b1 libtorrent-rasterbar2.0=2.0.8-1+b1 libboost-python1.74.0 libpython3.11 python3.11-minimal libpython3.11-minimal
  libpython3.11-stdlib)
work=$(mktemp -d)
here=discovery-$$
cleanup() { ip netns del "$here" 2>/dev/null || true; ip netns del "$here-far" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" tree; done

ip netns add "$here"
ip netns add "$here-far"
ip -n "$here" link set lo up
ip -n "$here" link add near type veth peer name far netns "$here-far"
ip -n "$here-far" link set far up
ip -n "$here" addr add 10.9.9.1/24 dev near
ip -n "$here" link set near up
ip -n "$here" route add 224.0.0.0/4 dev near

cat >session.py <<'PY'
import select, socket, subprocess, time
import libtorrent as lt

GROUP = "239.192.152.143"  # BEP 14

def announces(seconds):
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    ear.bind((GROUP, 6771))
    ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton("10.9.9.1"))
    until, count = time.monotonic() + seconds, 0
    while (left := until - time.monotonic()) > 0:
        if select.select([ear], [], [], left)[0]:
            ear.recv(2000)
            count += 1
    ear.close()
    return count

def ip(*words):
    subprocess.run(("ip",) + words, check=True)

session = lt.session({"listen_interfaces": "10.9.9.1:6881", "enable_dht": False, "enable_lsd": True, "enable_upnp": False, "enable_natpmp": False,
                      "local_service_announce_interval": 2, "alert_mask": 0x7fffffff})
torrent = lt.parse_magnet_uri("magnet:?xt=urn:btih:" + "61" * 20)
torrent.save_path = "."
session.add_torrent(torrent)
before = announces(8)
session.pop_alerts()
ip("link", "set", "near", "down")
time.sleep(6)
ip("link", "set", "near", "up")
ip("route", "add", "224.0.0.0/4", "dev", "near")
after = announces(12)
said = sum("lsd" in alert.what() for alert in session.pop_alerts())
session.apply_settings({"enable_lsd": False})
time.sleep(1)
session.apply_settings({"enable_lsd": True})
healed = announces(8)
print(f"libtorrent {lt.__version__}: {before} announces before, {after} after the interface came back, {said} alerts, {healed} after off and on")
raise SystemExit(0 if before and not after and not said and healed else 1)
PY
export LD_LIBRARY_PATH=$work/tree/usr/lib/$(uname -m)-linux-gnu
export PYTHONPATH=$work/tree/usr/lib/python3/dist-packages PYTHONHOME=$work/tree/usr
if ip netns exec "$here" "$work/tree/usr/bin/python3.11" session.py; then
  echo "as described: local discovery stays silent until it is switched off and on"
else
  echo "changed: not what stands above"
  exit 1
fi
