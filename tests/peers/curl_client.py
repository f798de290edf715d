"""curl, once for each case: curl_client.py OPTION ADDRESS CASES"""
import json
import subprocess
import sys
import tempfile

from cases import content, digest


def ask(option, address, case):
    with tempfile.NamedTemporaryFile() as answer, tempfile.NamedTemporaryFile() as body:
        command = ["curl", "-sS", "-m", "60", option, "-w", "%{http_code} %{http_version}"]
        if case["method"] == "HEAD":
            # It prints the head in place of the content, of which there is none.
            command += ["-I", "-o", "/dev/null"]
        else:
            command += ["-X", case["method"], "-o", answer.name]
        if case["send"] is not None:
            body.write(content(case["send"]))
            body.flush()
            command += ["-H", "Content-Type: application/octet-stream", "--data-binary", f"@{body.name}"]
        said = subprocess.run([*command, address + case["path"]], check=True, capture_output=True, text=True).stdout
        status, version = said.split()
        return [int(status), digest(answer.read()), version]


option, address, cases = sys.argv[1:]
json.dump([ask(option, address, case) for case in json.load(open(cases))], sys.stdout)
