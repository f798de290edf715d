"""The clients: what each needs is made once, below target/."""
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Missing(Exception):
    pass


def need(program):
    if not shutil.which(program):
        raise Missing(f"there is no {program}; tests/setup installs it")


def curl(_):
    need("curl")
    return [sys.executable, HERE / "curl_client.py", "--http2-prior-knowledge"]


def curl_upgrade(_):
    """From HTTP/1.1, by Upgrade: h2c."""
    need("curl")
    return [sys.executable, HERE / "curl_client.py", "--http2"]


def node(_):
    need("node")
    return ["node", HERE / "node_client.mjs"]


def python_with(wanted, place):
    """A Python of its own, with the packages of a file."""
    made_of = place / "requirements.txt"
    if not made_of.exists() or made_of.read_text() != wanted.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", wanted], check=True)
        made_of.write_text(wanted.read_text())
    return place / "bin/python"


def python_of_aioquic(cache):
    """Its packages are those of the conformance suite."""
    return python_with(HERE.parent / "conformance/h3-aioquic/requirements.txt", cache / "aioquic")


def python(cache):
    """httpx, on the package h2."""
    return [python_with(HERE / "requirements.txt", cache / "python"), HERE / "httpx_client.py"]


def go(cache):
    need("go")
    program = cache / "go_client"
    subprocess.run(["go", "build", "-o", program, "."], cwd=HERE / "go_client", check=True)
    return [program]


def quiche():
    """The program in tests/peers/quiche. It is built with the choices of the workspace, or BoringSSL would be built once more for it."""
    need("cargo")
    top = HERE.parent.parent
    build = ["cargo", "build", "--quiet", "--locked", "--workspace", "--bin", "flare-test-quiche"]
    subprocess.run(build, cwd=top, check=True)
    return top / "target/debug/flare-test-quiche"


# A request with content is no offer to switch that a server has to take: it is answered on HTTP/1.1.
STAY_WITH_CONTENT = {"curl-upgrade"}

CLIENTS = {"curl": curl, "curl-upgrade": curl_upgrade, "node": node, "python": python, "go": go}
