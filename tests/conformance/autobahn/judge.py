"""Adds up Autobahn's reports: judge.py RESULTS SLICES. Each line is CASE, a tab, and how it went; the last line says N/M passed/total."""
import json
import sys
from pathlib import Path

GOOD = {"OK", "INFORMATIONAL"}


def cases(results, slices):
    """Yields (case, behavior, what is wrong or "")."""
    for name in slices.split(","):
        report = Path(results, name, "report/index.json")
        if not report.exists():
            yield name, "no report", "the slice did not end"
            continue
        for found in json.loads(report.read_text()).values():
            for case, result in sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")]):
                how, close = result["behavior"], result["behaviorClose"]
                wrong = "" if how in GOOD and close in GOOD else f"{how}, close {close}"
                yield case, how, wrong


if __name__ == "__main__":
    total = passed = 0
    for case, how, wrong in cases(*sys.argv[1:3]):
        total, passed = total + 1, passed + (not wrong)
        print(f"{case}\t{wrong or how}")
    print(f"{passed}/{total} passed/total")
    sys.exit(0 if total and passed == total else 1)
