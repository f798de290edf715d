#!/usr/bin/env python3
"""Draws what was measured: charts.py [RESULTS.json] FOLDER. One SVG for each group of workloads, by Python alone."""
import json, statistics, sys
from html import escape
from pathlib import Path

from results import FILE, load, median_us, ratios
from suite import SUITE

WIDTH, LEFT, RIGHT, BAR, GAP = 860, 190, 150, 17, 14
COLOURS = {"flare": "#06c", "floor": "#999"}
TITLES = {
    "http1": "HTTP/1.1", "files": "Files", "tls": "HTTP/1.1 over TLS", "http2": "HTTP/2", "http3": "HTTP/3", "websocket": "WebSockets",
    "python": "Handlers in Python", "node": "Handlers in Node", "latency": "Latency at a fixed rate",
}


def group_of(name):
    return SUITE[name].group if name in SUITE else name.split("-")[0]


def bars(name, entry):
    """For each server: its name, the median ratio to the reference, the least and the most, and the time."""
    results, reference = entry["results"], entry["reference"]
    for server in results:
        found = ratios(results, server, reference)
        if found and not server.endswith(("@2", "-again")):
            yield server, statistics.median(found), min(found), max(found), median_us(results, server)


def svg(height, parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])


def drawing(title, workloads):
    """Bars below each other. Each workload has a scale of its own, since its reference is 1; a bar that is longer than 4 references is cut."""
    parts, top = [f'<text x="10" y="20" font-size="15" font-weight="bold">{escape(title)}: CPU of the server for each unit, as a ratio</text>'], 34
    for name, entry in workloads.items():
        rows = list(bars(name, entry))
        most = min(max([high for *_, high, _ in rows] + [1.0]) * 1.05, 4.0)
        scale = (WIDTH - LEFT - RIGHT) / most
        parts.append(f'<text x="10" y="{top + 14}" font-weight="bold">{escape(name)}</text>')
        for server, middle, low, high, us in rows:
            colour = COLOURS.get(server.split("-")[0], "#c80")
            end, y = LEFT + scale * min(middle, most), top + BAR / 2
            parts += [
                f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(server)}</text>',
                f'<rect x="{LEFT}" y="{top + 2}" width="{end - LEFT:.1f}" height="{BAR - 4}" fill="{colour}"/>',
                f'<path d="M{LEFT + scale * min(low, most):.1f} {y}H{LEFT + scale * min(high, most):.1f}" stroke="#000"/>',
                f'<text x="{max(end, LEFT + scale * min(high, most)) + 6:.1f}" y="{top + 13}">{middle:.2f}{" …" if middle > most else ""} ({us:.3g} µs)</text>',
            ]
            top += BAR
        parts.append(f'<path d="M{LEFT + scale:.1f} {top - BAR * len(rows)}V{top}" stroke="#000" stroke-dasharray="2 3"/>')
        top += GAP
    return svg(top + 6, parts)


def latency(workloads):
    """The median and the 99th percentile of each server at each rate, on a logarithmic scale from 10 µs to 100 ms."""
    from math import log10

    def place(us):
        return LEFT + (WIDTH - LEFT - 30) * (log10(min(max(us, 10), 1e5)) - 1) / 4

    parts, top = ['<text x="10" y="20" font-size="15" font-weight="bold">Latency at a fixed rate: median (bar), 99 % (line)</text>'], 34
    for name, entry in workloads.items():
        parts.append(f'<text x="10" y="{top + 14}" font-weight="bold">{escape(name.removeprefix("latency-"))} per second</text>')
        top += BAR
        for server, rounds in entry["results"].items():
            good = [one for one in rounds if one]
            if not good or server.endswith("@2"):
                continue
            p50, p99 = (statistics.median(one[part] for one in good) for part in ("p50", "p99"))
            parts += [
                f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(server)}</text>',
                f'<rect x="{LEFT}" y="{top + 2}" width="{place(p50) - LEFT:.1f}" height="{BAR - 4}" fill="{COLOURS.get(server, "#c80")}"/>',
                f'<path d="M{place(p50):.1f} {top + BAR / 2}H{place(p99):.1f}" stroke="#000"/>',
                f'<text x="{place(p99) + 6:.1f}" y="{top + 13}">{p50:.0f}, {p99:.0f} µs</text>',
            ]
            top += BAR
        top += GAP
    for us, text in ((10, "10 µs"), (100, "100 µs"), (1000, "1 ms"), (10_000, "10 ms"), (100_000, "100 ms")):
        parts += [f'<path d="M{place(us):.1f} 34V{top}" stroke="#ddd"/>', f'<text x="{place(us):.1f}" y="{top + 14}" text-anchor="middle">{text}</text>']
    return svg(top + 26, parts)


def draw(known, folder):
    """Writes the charts of all groups that have results. Their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    groups, paths = {}, []
    for name, entry in known.items():
        groups.setdefault(group_of(name), {})[name] = entry
    for group, workloads in groups.items():
        order = list(SUITE)
        workloads = dict(sorted(workloads.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))
        paths.append(folder / f"{group}.svg")
        paths[-1].write_text(latency(workloads) if group == "latency" else drawing(TITLES.get(group, group), workloads))
    return paths


if __name__ == "__main__":
    *source, folder = sys.argv[1:] or sys.exit(__doc__)
    for path in draw(json.loads(Path(source[0]).read_text()) if source else load(FILE), Path(folder)):
        print(path)
