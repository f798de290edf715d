"""What was measured, and where: target/bench/results/bench.json, one entry for each workload. A run replaces those that it measured."""
import datetime, json, os, platform, re, shutil, statistics, subprocess
from pathlib import Path

from server import RESULTS, TOP, environment

FILE = RESULTS / "bench.json"
VERSIONS = {"rustc": ["rustc", "--version"], "cc": ["cc", "--version"], "go": ["go", "version"], "nginx": ["nginx", "-v"], "nghttpd": ["nghttpd", "--version"],
            "node": ["node", "--version"], "python": ["python3", "--version"], "openssl": ["openssl", "version"]}


def where():
    """The machine, the versions, the commit, and how busy it is."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, capture_output=True, text=True).stdout.strip()
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit, "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count(), "system": f"{platform.system()} {platform.release()}", "load": [round(part, 1) for part in os.getloadavg()],
        "versions": {name: said for name, command in VERSIONS.items() if (said := first_line(command))},
    }


def first_line(command):
    path = environment()["PATH"]
    if not shutil.which(command[0], path=path):
        return None
    run = subprocess.run(command, capture_output=True, text=True, env=environment())
    return (run.stdout or run.stderr).strip().splitlines()[0]


def load(path=FILE):
    return json.loads(path.read_text()) if path.exists() else {}


def keep(name, measured):
    """Adds a workload. `measured` is what lab.py wrote."""
    known = load()
    known[name] = {**measured, "environment": where()}
    FILE.write_text(json.dumps(known, indent=1) + "\n")


def ratios(results, one, other):
    """Round by round."""
    return [a["us"] / b["us"] for a, b in zip(results[one], results[other]) if a and b]


def spread(results):
    """How far the two copies of the reference were apart, at most in a round, and by the medians."""
    copy = next((name for name in results if name.endswith(("@2", "-again"))), None)
    if not copy:
        return float("nan"), float("nan")
    found = ratios(results, copy, copy.removesuffix("@2").removesuffix("-again"))
    return max((abs(x - 1) for x in found), default=float("nan")), abs(statistics.median(found) - 1) if found else float("nan")


def median_us(results, name):
    good = [round_["us"] for round_ in results[name] if round_]
    return statistics.median(good) if good else None
