"""The Python environment of these tests: made once, below target/."""
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PLACE = Path("target/test/examples-python")


def enter():
    """Goes on in the environment, if this is not it."""
    python = PLACE / "bin/python"
    if Path(sys.prefix).resolve() == PLACE.resolve():
        return
    wanted = (HERE / "requirements.txt").read_text()
    made_of = PLACE / "requirements.txt"
    if not made_of.exists() or made_of.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", PLACE], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        made_of.write_text(wanted)
    os.execv(python, [python, *sys.argv])
