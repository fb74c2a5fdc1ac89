#!/usr/bin/env python3
"""Draws docs/crowd_scale.svg from lines of tests/sim/crowd_scale: crowd_scale_plot.py CSV SVG."""
import csv
import math
import sys

NAMES = {"fixed": ("mirrors 60 Mbit/s for all", "#b03030"), "grow": ("mirrors 7.5 Mbit/s more for each agent", "#2060a0")}


def x(agents): return 70 + 140 * (math.log10(agents) - 1)
def y(ratio): return 260 - 240 * math.log2(ratio) / math.log2(4)


def main():
    rows = [row for row in csv.DictReader(open(sys.argv[1], encoding="ascii")) if row["lending"] == "first-hand"]
    most = {}  # neighbours of that many agents
    for row in rows:
        most[row["agents"]] = max(most.get(row["agents"], 0), int(row["neighbours"]))
    curves = {}
    for row in rows:
        if int(row["neighbours"]) == most[row["agents"]]:
            kind = "fixed" if row["mirrors_mbit"] == "60" else "grow"
            curves.setdefault(kind, []).append((int(row["agents"]), float(row["over_bound"])))
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="560" height="330" font-family="sans-serif" font-size="12">',
           '<rect width="560" height="330" fill="white"/>']
    for ratio in (1, 1.3, 2, 3, 4):
        dash = ' stroke-dasharray="6 3"' if ratio == 1.3 else ""
        out.append(f'<line x1="60" x2="500" y1="{y(ratio):.0f}" y2="{y(ratio):.0f}" stroke="#bbb"{dash}/>')
        out.append(f'<text x="52" y="{y(ratio) + 4:.0f}" text-anchor="end">{ratio}</text>')
    for agents in (10, 100, 1000, 10000):
        out.append(f'<text x="{x(agents):.0f}" y="280" text-anchor="middle">{agents:,}</text>')
    out.append('<text x="280" y="298" text-anchor="middle">agents</text>')
    out.append('<text x="60" y="14">time until the last agent has everything, over the bound (goal: 1.3)</text>')
    for place, (kind, points) in enumerate(sorted(curves.items())):
        name, colour = NAMES[kind]
        points.sort()
        line = " ".join(f"{x(a):.0f},{y(r):.0f}" for a, r in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for agents, ratio in points:
            out.append(f'<circle cx="{x(agents):.0f}" cy="{y(ratio):.0f}" r="3" fill="{colour}"/>')
            out.append(f'<text x="{x(agents) + 6:.0f}" y="{y(ratio) - 6:.0f}" fill="{colour}">{ratio:.2f}</text>')
        out.append(f'<text x="{90 + 190 * place}" y="320" fill="{colour}">{name}</text>')
    open(sys.argv[2], "w", encoding="ascii").write("\n".join(out + ["</svg>"]) + "\n")


if __name__ == "__main__":
    main()
