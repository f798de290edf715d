"""TLS and stock middleware in Mojo, with Python's ssl as the client."""
import hashlib
import re
import shutil
import ssl
import subprocess
import tempfile
import unittest
from http.client import HTTPSConnection
from pathlib import Path

LIMIT = 20


def make(folder, name, authority=None):
    """A key and a certificate: that it signed itself, or that an authority signed."""
    pair = [folder / f"{name}.pem", folder / f"{name}.key"]
    signed = ["-addext", "basicConstraints=critical,CA:FALSE", "-CA", authority[0], "-CAkey", authority[1]] if authority else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", pair[1], "-out", pair[0], *signed], check=True, capture_output=True)
    return pair


class Secure(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.one, self.two = make(self.folder, "one"), make(self.folder, "two")
        self.client = make(self.folder, "client", self.two)
        live = [self.folder / "live.pem", self.folder / "live.key"]
        self.live = live
        self.put(self.one)
        command = ["target/test/mojo/secure", "localhost:0", *live, self.two[0]]
        self.program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.kill)
        self.before, self.ports = [], []
        while len(self.ports) < 3:
            line = self.program.stdout.readline()
            self.assertTrue(line, self.before)
            found = re.fullmatch(r"listening on .*:(\d+)\n", line)
            self.ports.append(int(found[1])) if found else self.before.append(line.rstrip("\n"))

    def put(self, pair):
        for source, target in zip(pair, self.live):
            shutil.copyfile(source, target)

    def kill(self):
        self.program.kill()
        self.program.wait()
        self.program.stdin.close()
        self.program.stdout.close()

    def context(self, pair, shows=None):
        context = ssl.create_default_context(cafile=pair[0])
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        if shows:
            context.load_cert_chain(*shows)
        return context

    def ask(self, path, context=None, port=0, **fields):
        connection = HTTPSConnection("localhost", self.ports[port], timeout=LIMIT, context=context or self.context(self.one))
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in fields.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def shown(self, port=0):
        """The certificate that new connections get."""
        pem = ssl.get_server_certificate(("localhost", self.ports[port]), timeout=LIMIT)
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    def digest(self, pair):
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pair[0].read_text())).hexdigest()

    def say(self, word):
        self.program.stdin.write(word + "\n")
        self.program.stdin.flush()
        return self.line()

    def line(self):
        """The next line that is none of the log."""
        while (line := self.program.stdout.readline()).startswith("log:"):
            pass
        return line.rstrip("\n")

    def test_what_is_wrong_is_said(self):
        self.assertEqual([line for line in self.before if "destroyed" not in line],
                         ["nothing True", "rate_limit True", "bearer_auth True", "access_log True", "tls True"])

    def test_requests_know_what_was_agreed(self):
        status, _, text = self.ask("/tls")
        self.assertEqual(status, 200)
        self.assertRegex(text, r"^TLSv1\.3 TLS_\w+ localhost (http/1\.1|-) 0 False\n$")
        length = len(ssl.PEM_cert_to_DER_cert(self.client[0].read_text()))
        self.assertIn(f" {length} False", self.ask("/tls", self.context(self.one, self.client))[2])
        old = self.context(self.one)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaises(ssl.SSLError):
            self.ask("/tls", old)
        # Certificates from memory, with default settings, take it.
        self.assertIn("TLSv1.2 ", self.ask("/tls", old, port=1)[2])
        self.assertNotIn(self.shown(2), [self.digest(self.one), self.digest(self.two)])

    def test_certificates_are_exchanged_while_it_serves(self):
        self.assertEqual(self.shown(), self.digest(self.one))
        self.put(self.two)
        self.assertEqual(self.shown(), self.digest(self.one))
        self.assertEqual(self.say("reload"), "done")
        self.assertEqual(self.shown(), self.digest(self.two))
        self.live[0].write_text("nothing")
        self.assertIn("live.pem", self.say("reload"))
        self.assertEqual(self.shown(), self.digest(self.two))
        self.assertEqual(self.say("replace"), "done")
        self.assertNotEqual(self.shown(), self.digest(self.two))

    def test_stock_middleware(self):
        self.assertEqual(self.ask("/who")[0], 401)
        self.assertEqual(self.ask("/who", Authorization="Bearer ann-jones")[0], 401)
        self.assertEqual(self.ask("/raising", Authorization="Bearer ann-smith")[0], 401)
        fields = {"Authorization": "Bearer ann-smith", "X_Request_Id": "mine-7", "X_Forwarded_For": "192.0.2.9"}
        status, headers, text = self.ask("/who", **fields)
        self.assertEqual((status, text, headers["x-request-id"]), (200, "mine-7 ann 192.0.2.9\n", "mine-7"))
        self.assertEqual(headers["ratelimit-limit"], "2")
        self.assertEqual(self.ask("/who", **fields)[0], 200)
        self.assertEqual(self.ask("/who", **fields)[0], 429)
        self.assertEqual(self.ask("/who", Authorization="Bearer bob-smith")[0], 200)
        self.program.stdin.close()
        self.program.terminate()
        rest = self.program.stdout.read()
        self.assertEqual(self.program.wait(LIMIT), 0)
        self.assertRegex(rest, r'log: 192\.0\.2\.9 - ann \[.+\] "GET /who HTTP/1\.1" 429 ')
        # Each once, when the server and the router are gone.
        self.assertEqual((rest.count("lines are destroyed"), rest.count("tokens are destroyed")), (1, 1))
