#!/usr/bin/env python3
"""docs/c-api against include/flare.h and the sources: every function with its prototype, every name, setting and number; and the
examples compile. Run from the top folder of the repository. Prints what is wrong, and ends with status 1 then."""
import os, re, subprocess, sys
from pathlib import Path

wrong = []
header = re.sub(r"/\*.*?\*/", "", Path("include/flare.h").read_text(), flags=re.S)
pages = {path.name: path.read_text() for path in sorted(Path("docs/c-api").glob("*.md"))}
everything = "\n".join(pages.values())


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def prototypes():
    """Functions and callback types of the header: name to declaration, in one line."""
    functions = re.findall(r"^(?!typedef|#)([a-z][^;{}#]*?\b(flare_\w+)\([^;]*\);)", header, re.M | re.S)
    callbacks = re.findall(r"^(typedef [^;]*?\(\*(flare_\w+)\)\([^;]*\);)", header, re.M | re.S)
    return {name: one_line(text) for text, name in functions + callbacks}


def entries(known):
    """Each function has one entry, in one page, with its prototype."""
    found = {}
    for page, text in pages.items():
        for name, code in re.findall(r"^### (flare_\w+)\n\n```c\n(.*?)```", text, re.M | re.S):
            if name in found:
                wrong.append(f"{name} has an entry in {found[name]} and in {page}")
            found[name] = page
            if name not in known:
                wrong.append(f"{page}: {name} is not in include/flare.h")
            elif one_line(code) != known[name]:
                wrong.append(f"{page}: the prototype of {name} is not that of include/flare.h")
    wrong.extend(f"{name} has no entry in docs/c-api" for name in known if name not in found)
    symbols = [line.split()[0] for line in Path("capi/symbols").read_text().splitlines() if not line.startswith("#")]
    wrong.extend(f"{name} of capi/symbols has no entry in docs/c-api" for name in symbols if name not in found)


def names(known):
    """Every name in the pages exists, and every constant of the header is in the pages."""
    constants = set(re.findall(r"^#define (FLARE_\w+) ", header, re.M))
    types = set(re.findall(r"^typedef struct \w+ (flare_\w+);", header, re.M))
    real = set(known) | constants | types | {"FLARE_ERROR_UNKNOWN"}
    for page, text in pages.items():
        for name in sorted(set(re.findall(r"\b(?:flare|FLARE)_\w+", text))):
            # flare_response_send... and flare_* stand for several.
            several = name.endswith("_") or re.search(re.escape(name) + r"(\.\.\.|\*)", text)
            if name not in real and not (several and any(other.startswith(name) for other in real)):
                wrong.append(f"{page}: there is no {name}")
    wrong.extend(f"{name} is not in docs/c-api" for name in sorted(constants) if not re.search(rf"\b{name}\b", everything))


def first_column(text):
    """The names in the first column of tables."""
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.M)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def same(what, source, page):
    for name in sorted(source - page):
        wrong.append(f"the {what} {name} is not in docs/c-api")
    for name in sorted(page - source):
        wrong.append(f"docs/c-api: there is no {what} {name}")


def prefixed_settings(prefix, path):
    """Those whose names are made of a prefix, and for budgets of a part more."""
    text = Path(path).read_text()
    budgets = re.findall(r"^\s*\(\"(\w+)\", limits\.\w+\),", text, re.M)
    parts = {f"{budget}_{part}" for budget in budgets for part in ("burst", "per_second")}
    arms = set(re.findall(r'^ {8}"(\w+)"(?: \| "\w+")* =>', text, re.M)) - set(budgets)
    return {f"{prefix}_{name}" for name in arms | parts} | set(re.findall(rf'"({prefix}_\w+)"', text))


def server_settings(arms):
    """All of a server's."""
    folder = "core/flare/src/server/config"
    files = {"http2": "http2_limits", "http3": "http3_limits", "quic": "quic"}
    return arms(f"{folder}.rs").union(*(prefixed_settings(prefix, f"{folder}/{file}.rs") for prefix, file in files.items()))


def tables():
    """Settings, options and numbers that are named by text."""
    arms = lambda path: set(re.findall(r'^\s*"(\w+)" =>', Path(path).read_text(), re.M))
    same("setting", server_settings(arms), first_column(pages["config.md"]))
    same("option", arms("capi/src/route_options.rs"), first_column(pages["route_options.md"]))
    client = {f"tls_{name}" for name in arms("core/tls/src/config/client_by_name.rs")}
    same("setting", arms("core/flare/src/connect/by_name.rs") | client, first_column(pages["connector.md"]))
    opener = arms("core/flare/src/websocket/client/options.rs") | arms("core/flare/src/websocket/client/backoff.rs")
    same("setting", opener, first_column(pages["websocket_client.md"]))
    numbers = arms("core/flare/src/server/counters.rs") | {"drain_finished", "drain_aborted"}
    same("number", numbers, {name for name in first_column(pages["server.md"].split("### flare_server_stat")[1].split("###")[0])})
    codes = dict(re.findall(r"^#define (FLARE_(?:OK|ERROR_\w+)) (-?\d+)", header, re.M))
    told = dict(re.findall(r"^\| `(FLARE_\w+)` \| (-?\d+) \|", pages["errors.md"], re.M))
    if codes != told:
        wrong.append("errors.md: the codes and their numbers are not those of include/flare.h")


def examples():
    """Every other block of C compiles."""
    compiler = os.environ.get("CC", "cc").split()
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function", "-Iinclude", "-fsyntax-only", "-x", "c", "-"]
    includes = "".join(f"#include <{name}.h>\n" for name in ("flare", "poll", "pthread", "stdio", "stdlib", "string"))
    count = 0
    for page, text in pages.items():
        for title, code in re.findall(r"^([^\n]*)\n\n?```c\n(.*?)```", text, re.M | re.S):
            if re.search(r"### flare_\w+$", title) and code.rstrip().endswith(");"):
                continue
            count += 1
            run = subprocess.run([*compiler, "-D_GNU_SOURCE", *flags], input=includes + code, capture_output=True, text=True)
            if run.returncode:
                wrong.append(f"{page}: an example does not compile:\n{run.stderr}")
    if not count:
        wrong.append("docs/c-api has no examples")


known = prototypes()
if not known or not pages:
    wrong.append("no functions, or no pages")
entries(known)
names(known)
tables()
examples()
print("\n".join(wrong), end="\n" if wrong else "")
sys.exit(1 if wrong else 0)
