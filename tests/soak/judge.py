"""Whether what was sampled stays flat: the last quarter against the first, when what it took to warm up is left out."""
from statistics import quantiles

# The part of the time that is for warming up: pools fill, and pages are touched for the first time.
WARM_UP = 0.2
# What is sampled: its unit; what may be added in that unit, or as a part of the beginning, whichever is more; whether it has to rise all the way,
# as time on a machine that others use jumps up and down.
ALLOWED = {"memory": ("MiB", 8.0, 0.15, False), "descriptors": ("", 15, 0.15, False), "p99": ("ms", 20.0, 1.0, True)}
FEWEST = 8  # samples


def floors(values):
    """Of each quarter of the time, what a quarter of the samples is below: uploads and downloads that just run add to the others, and a leak raises it."""
    count = len(values) // 4
    return [quantiles(values[at * count : (at + 1) * count], n=4, method="inclusive")[0] for at in range(4)]


def judge(samples, names=tuple(ALLOWED)):
    """Lines that say what grew: empty when all is flat. `samples` are dicts with these names."""
    kept = samples[int(len(samples) * WARM_UP) :]
    if len(kept) < FEWEST:
        return [f"only {len(kept)} samples: too few to judge"]
    wrong = []
    for name in names:
        unit, least, part, all_the_way = ALLOWED[name]
        parts = floors([sample[name] for sample in kept])
        allowed = max(least, part * parts[0])
        if parts[3] - parts[0] > allowed and (not all_the_way or parts == sorted(parts)):
            wrong.append(f"{name} grew from {parts[0]:.1f} to {parts[3]:.1f} {unit}".rstrip() + f", by more than {allowed:.1f}")
    return wrong
