"""docs/security.md: every setting that it names is there with that default, every test is there, and no setting of a server is missing."""
import re, subprocess
from pathlib import Path

PAGE = Path("docs/security.md")
# Every setting in the tables of these is either a limit or said to be none.
COMPLETE = ["docs/c-api/config.md", "docs/c-api/tls.md", "docs/c-api/route_options.md"]


def tables(text):
    """Rows of tables, as (names of columns, cells)."""
    head = None
    for line in text.splitlines():
        if not line.startswith("|"):
            head = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if head is None:
            head = cells
        elif not set(line) <= set("|- "):
            yield head, cells


def names(cell):
    return re.findall(r"`([\w.:]+)`", cell)


def default(head, cells):
    """What a row of the reference says; None: it has no such column."""
    row = dict(zip(head, cells))
    if "burst" in row:
        return f"{row['burst']}, {row['per second']}"
    return row.get("default", "").strip("`") or None


def reference(pages):
    """Settings of C: name to default."""
    found = {}
    for page in pages:
        for head, cells in tables(page.read_text()):
            # A table of several types begins with the type.
            for name in names(cells[head[0] == "of"]):
                found.setdefault(name, default(head, cells))
        for arguments in re.findall(r"^```c\n(.*?)```", page.read_text(), re.M | re.S):
            found.update({name: None for name in re.findall(r"\w+_ms\b", arguments) if name not in found})
    return found


def is_test(place, files):
    """file.rs::name: one file whose path ends like this has a test of that name."""
    path, _, name = place.partition("::")
    test = re.compile(rf"#\[test\]\s+(?:#\[[^\n]*\]\s+)*fn {name}\(")
    found = [file for file in files if ("/" + file).endswith("/" + path) and test.search(Path(file).read_text())]
    return len(found) == 1


def in_rust(name, sources):
    last = re.split(r"\.|::", name)
    if "::" in name:
        return any(re.search(rf"\bfn {last[-1]}\(", text) for text in sources)
    return any(re.search(rf"^\s+pub (?:const )?(?:fn {last[-1]}\(|{last[-1]}: )", text, re.M) for text in sources)


def section(text, files, check):
    title = text.splitlines()[0]
    links = [PAGE.parent / link for link in re.findall(r"\]\(([^)#\s]+)", text)]
    sources = [link.read_text() for link in links if link.suffix == ".rs" and link.exists()]
    known = reference([link for link in links if link.parent.name == "c-api" and link.exists()])
    for head, cells in tables(text):
        row = dict(zip(head, cells))
        if "proved by" not in row:
            continue
        tests = re.findall(r"`([\w/.]+\.rs::\w+)`", row["proved by"])
        check(tests, f"{PAGE}, {title}: nothing proves {cells}")
        for place in tests:
            check(is_test(place, files), f"{PAGE}, {title}: there is no test {place}, or several")
        for name in names(row.get("C", "")):
            check(name in known, f"{PAGE}, {title}: C has no {name}")
        # Several settings have their defaults in the same order; a burst and its rate are one row of the reference, too.
        told = [known.get(name) for name in names(row.get("C", ""))]
        if told and None not in told:
            expected = told[0] if ", " in told[0] else ", ".join(told)
            check(row["default"] == expected, f"{PAGE}, {title}: {cells[0]} is {expected}, not {row['default']}")
        for name in names(row.get("Rust", "")):
            check(in_rust(name, sources), f"{PAGE}, {title}: Rust has no {name}")


def run(check):
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.rs"], capture_output=True, text=True, check=True).stdout.split()
    text = PAGE.read_text()
    for part in text.split("\n## ")[1:]:
        section(part, files, check)
    said = set(names(text))
    for page in COMPLETE:
        for name in reference([Path(page)]):
            if re.fullmatch(r"[a-z0-9_]+", name):
                check(name in said, f"{PAGE}: {name} of {page} is neither a limit nor said to be none")
