#!/usr/bin/python3
"""A crowd in the lab that $PACKSWARM_LAB names: 8 clients of 100/20 Mbit/s want the same 118 packages at the same moment from mirrors of
30, 20 and 10 Mbit/s. Time of the last client over the Kumar-Ross bound, bytes of the mirrors over the bytes needed, waste, CPU.

    PACKSWARM_LAB=FOLDER lab_crowd.py [ROUNDS] [--systems NAME,...] [--outage FRACTION] [--clients N]

systems: packswarm_pacman, packswarm_apt, and the lab's own: aria2bt, aria2set, curl ... Every round runs each once.
--outage: all mirrors stop when so much of all wanted bytes has moved; then the share of packages that completed counts.
"""
import argparse

import lab_clients  # (defines packswarm_apt and packswarm_pacman for the lab)
import lab as lab_module
import runner


def trace(lab, t, state):
    if t - state.get("traced", 0) < 2:
        return
    now = runner.traffic(lab)
    before = state.get("traffic", {"mirror_bytes": 0, "peer_bytes": 0})
    rates = [(now[kind] - before[kind]) * 1e-6 / (t - state.get("traced", 0)) for kind in ("mirror_bytes", "peer_bytes")]
    print(f"   {t:6.1f} s  mirrors {rates[0]:5.2f}  peers {rates[1]:5.2f} MB/s", flush=True)
    state.update(traced=t, traffic=now)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=1)
    parser.add_argument("--systems", default="packswarm_pacman,aria2bt,curl")
    parser.add_argument("--outage", type=float)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--timeout", type=float, default=200)
    parser.add_argument("--trace", action="store_true", help="every two seconds the MB/s from mirrors and from peers")
    parser.add_argument("--keep", action="store_true", help="leave the clients' folders, with the agents' logs and ledgers")
    arguments = parser.parse_args()
    lab = lab_module.Lab("flash").up()
    nodes = lab.clients()[:arguments.clients]
    spread = [["m1", "m2", "m3"]] * 4 + [["m2", "m1", "m3"]] * 3 + [["m3", "m2", "m1"]]  # the best for those who know one mirror only
    try:
        for _ in range(arguments.rounds):
            for system in arguments.systems.split(","):
                ours = system.startswith("packswarm")
                state = {}

                def during(lab, t, fraction):
                    if arguments.trace:
                        trace(lab, t, state)
                    if arguments.outage and fraction >= arguments.outage and "off" not in state:
                        state["off"] = t
                        for mirror in lab.mirrors():
                            lab.mirror(mirror, "off")
                        print(f"   mirrors off after {t:.1f} s", flush=True)

                runner.run(lab, "crowd" if not arguments.outage else "outage", system, system, nodes=nodes, timeout=arguments.timeout, poll=0.2,
                           mirrors_of=None if ours or system.startswith("aria2") else lambda i: spread[i % 8], during=during if arguments.outage or arguments.trace else None,
                           hold=ours or system.startswith("aria2bt") or system == "aria2set", peers=True, crowd=True, keep=arguments.keep,
                           stall=40 if arguments.outage else 60)
                if ours:
                    lab_clients.report()
                if "off" in state:
                    for mirror in lab.mirrors():
                        lab.mirror(mirror, "ok")
    finally:
        lab_module.Lab.down_all()


if __name__ == "__main__":
    main()
