"""The report of a soak: a page in Markdown, and a drawing as SVG."""
from judge import ALLOWED

WIDTH, HEIGHT, LEFT = 800, 130, 70
UNITS = {name: unit for name, (unit, *_) in ALLOWED.items()}
TITLES = {"memory": "resident memory of the server", "descriptors": "open descriptors", "p99": "99 % of the probes take less than"}


def drawing(samples):
    """Three curves above each other."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + LEFT + 20}" height="{len(UNITS) * (HEIGHT + 50) + 10}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    last = max(samples[-1]["time"], 1)
    for row, (name, unit) in enumerate(UNITS.items()):
        top = 25 + row * (HEIGHT + 50)
        values = [sample[name] for sample in samples]
        most = max(max(values) * 1.1, 1)
        points = " ".join(f"{LEFT + WIDTH * sample['time'] / last:.1f},{top + HEIGHT * (1 - sample[name] / most):.1f}" for sample in samples)
        parts += [
            f'<text x="{LEFT}" y="{top - 8}">{TITLES[name]}{", " + unit if unit else ""}</text>',
            f'<path d="M{LEFT} {top}V{top + HEIGHT}H{LEFT + WIDTH}" fill="none" stroke="#999"/>',
            f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{most:.0f}</text>',
            f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">0</text>',
            f'<text x="{LEFT + WIDTH}" y="{top + HEIGHT + 16}" text-anchor="end">{last:.0f} s</text>',
            f'<polyline points="{points}" fill="none" stroke="#06c" stroke-width="1.5"/>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def page(samples, load, ending, wrong, environment):
    """What was done, how it went, and the verdict."""
    rows = [(name, min(values), values[len(values) // 2], max(values)) for name in UNITS for values in [sorted(sample[name] for sample in samples)]]
    lines = ["# Soak", "", f"{environment}", "", "**" + ("Flat." if not wrong else "FAILED: " + "; ".join(wrong)) + "**", ""]
    lines += ["![curves](soak.svg)", "", "| sampled | least | median | most |", "|---|---|---|---|"]
    lines += [f"| {TITLES[name]}{', ' + UNITS[name] if UNITS[name] else ''} | {least:.1f} | {middle:.1f} | {most:.1f} |" for name, least, middle, most in rows]
    lines += ["", "| clients | rounds that went well |", "|---|---|"]
    lines += [f"| {name} | {count} |" for name, count in sorted(load["done"].items())]
    lines += ["", "Went wrong: " + (", ".join(f"{what} ({count})" for what, count in load["wrong"].items()) or "nothing") + ".", "", f"The server's last words: {ending}", ""]
    return "\n".join(lines)
