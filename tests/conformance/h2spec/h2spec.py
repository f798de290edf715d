"""h2spec (github.com/summerwind/h2spec, MIT), a suite of 146 cases for servers of HTTP/2: built once by Go, and its report read.

It was written for RFC 7540; RFC 9113 has dropped some of what it asks for, such as the tree of priorities.
"""
import os
import shutil
import subprocess
import xml.etree.ElementTree as xml
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Its version, and those of what it needs, are in go.mod.
PACKAGE = "github.com/summerwind/h2spec/cmd/h2spec"


def binary(cache):
    """The path of the program, which is built if it is not there."""
    program = cache / "go/bin/h2spec"
    if not program.exists():
        if not shutil.which("go"):
            raise SystemExit("h2spec needs Go to be built: tests/setup installs it")
        environment = dict(os.environ, GOPATH=str(cache / "go"), GOFLAGS="-modcacherw")
        subprocess.run(["go", "build", "-o", program, PACKAGE], env=environment, cwd=HERE, check=True)
    return program


def run(program, port, report, options, timeout, sections=()):
    """Runs it and returns {(section, title): what is wrong, or ""}. Cases that it leaves out are left out."""
    report.unlink(missing_ok=True)
    command = [program, "-h", "127.0.0.1", "-p", port, "-o", str(timeout), "-j", report, "-S", *options, *sections]
    done = subprocess.run(command, capture_output=True, text=True)
    if not report.exists():
        raise SystemExit(f"h2spec did not run:\n{done.stdout}{done.stderr}")
    results = {}
    for case in xml.parse(report).getroot().iter("testcase"):
        wrong = next((case.find(kind) for kind in ("failure", "error") if case.find(kind) is not None), None)
        if case.find("skipped") is None:
            text = "" if wrong is None else " ".join((wrong.text or "failed").split())
            results[case.get("package"), case.get("classname")] = text
    return results


def cases(port, cache, results, options=()):
    """Yields (title, case, level, what is wrong or ""). The suite has no levels, so each exception can stand with a reason."""
    cache.mkdir(parents=True, exist_ok=True)
    program = binary(cache)
    found = run(program, port, results / "h2spec.xml", options, timeout=2)
    for section in sorted({section for (section, _), wrong in found.items() if wrong}):
        # One silence is no verdict.
        again = run(program, port, results / "h2spec-again.xml", options, timeout=4, sections=[section])
        found.update({case: "" for case, wrong in again.items() if not wrong})
    for (section, title), wrong in found.items():
        yield f"{section} {title}", f"{section}:{title.replace(' ', '-')}", "SHOULD", wrong
