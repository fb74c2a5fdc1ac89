#!/usr/bin/python3
"""A neighbour on the local network, in the lab that $PACKSWARM_LAB names: c1 has fetched 118 packages, c2 wants the same. LAN of 1 Gbit/s,
20 Mbit/s to the Internet; the two agents find each other by LAN discovery. Time over the line bound, and bytes from the mirrors.

    PACKSWARM_LAB=FOLDER lab_lan.py [ROUNDS] [--systems NAME,...]

systems: packswarm_pacman, packswarm_apt, and the lab's own aptacng (apt-cacher-ng on c1).
"""
import argparse
import time

import lab_clients  # (defines packswarm_apt and packswarm_pacman for the lab)
import clients
import lab as lab_module
import runner

UNTHROTTLED, LINE = 1000, 20  # Mbit/s


def filled(lab, system, content):
    """c1 with everything, its agent still there."""
    lab.rate("wan.down", UNTHROTTLED)
    first = clients.SYSTEMS[system](lab, "c1", content, lab.mirrors(), f"{runner.WORK}/c1", hold=True, lan=True)
    first.prepare()
    first.start()
    end = time.time() + 120
    while not first.done():
        if time.time() > end:
            raise RuntimeError("c1 did not get everything")
        time.sleep(0.2)
    lab.rate("wan.down", LINE)
    return first


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=1)
    parser.add_argument("--systems", default="packswarm_pacman,packswarm_apt,aptacng")
    parser.add_argument("--keep", action="store_true", help="leave the clients' folders, with the agents' logs and ledgers")
    arguments = parser.parse_args()
    lab = lab_module.Lab("lan").up()
    content = runner.load_set("flash")
    how = {"nodes": ("c2",), "out": "lan.jsonl", "timeout": 150}
    try:
        for _ in range(arguments.rounds):
            for system in arguments.systems.split(","):
                if system == "aptacng":
                    cacher = clients.Acng(lab, "c1", f"{runner.WORK}/acng")
                    proxy = f"http://{lab.ip('c1')}:3142"
                    try:
                        lab.rate("wan.down", UNTHROTTLED)
                        runner.run(lab, "fill", system, system, mirrors=["m1"], proxy=proxy, **how)
                        lab.rate("wan.down", LINE)
                        runner.run(lab, "lan", system, system, mirrors=["m1"], proxy=proxy, **how)
                    finally:
                        cacher.stop()
                    continue
                first = filled(lab, system, content)
                try:
                    runner.run(lab, "lan", system, system, lan=True, keep=arguments.keep, **how)
                    lab_clients.report()
                finally:
                    first.stop()
                    first.cleanup()
                    lab_clients.agents_cpu.clear()  # c1's
                    lab_clients.files_here.clear()
    finally:
        lab_module.Lab.down_all()


if __name__ == "__main__":
    main()
