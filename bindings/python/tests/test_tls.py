"""TLS with the clients of others: Python's ssl, httpx with HTTP/1.1 and HTTP/2, aiohttp, requests."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests

import flare
from conftest import PATIENCE
from flare import App, Request, Tls
from flare.app import Loop
from flare.tls import Identity


@dataclass
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path

    @property
    def digest(self) -> str:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.certificate.read_text())).hexdigest()


def make(folder: Path, name: str, authority: Pair | None = None) -> Pair:
    """A key and a certificate: that it signed itself, or that an authority signed."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    signed_by: list[str | Path] = (
        ["-addext", "basicConstraints=critical,CA:FALSE", "-CA", authority.certificate, "-CAkey", authority.key] if authority else []
    )
    names = f"subjectAltName=DNS:localhost,DNS:{name}.example,IP:127.0.0.1"
    command: list[str | Path] = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", f"/CN={name}", "-addext", names, "-keyout", pair.key, "-out", pair.certificate, *signed_by]
    subprocess.run(command, check=True, capture_output=True)
    return pair


@dataclass
class Pairs:
    one: Pair
    two: Pair
    client: Pair


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    folder = tmp_path_factory.mktemp("certificates")
    two = make(folder, "two")
    return Pairs(make(folder, "one"), two, make(folder, "client", two))


def trusting(pair: Pair, shows: Pair | None = None) -> ssl.SSLContext:
    """What a client has that trusts a certificate, and shows another."""
    context = ssl.create_default_context(cafile=str(pair.certificate))
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if shows is not None:
        context.load_cert_chain(shows.certificate, shows.key)
    return context


def about(request: Request) -> dict[str, Any]:
    """What a handler can know of its connection."""
    tls = request.tls
    if tls is None:
        return {"scheme": request.scheme, "tls": None}
    shown = tls.peer_certificate
    return {
        "scheme": request.scheme,
        "http": request.version,
        "version": tls.version,
        "suite": tls.suite,
        "alpn": tls.alpn,
        "name": tls.server_name,
        "shown": shown and hashlib.sha256(shown).hexdigest(),
        "chain": len(tls.peer_certificates),
        "resumed": tls.resumed,
        "early": request.is_early,
    }


def app() -> App:
    made = App()
    made.get("/")(about)

    @made.get("/later")
    async def later(request: Request) -> dict[str, Any]:
        await asyncio.sleep(0)
        return about(request)

    made.post("/echo")(lambda request: request.body)
    return made


@contextmanager
def running(loop: str = "none", made: App | None = None, **options: Any) -> Iterator[flare.HostServer]:
    """A server in a thread of its own."""
    up = threading.Event()
    got: list[flare.HostServer] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            (made or plain()).run("localhost:0", loop=loop, started=lambda server: (got.append(server), up.set()), **options)
        except BaseException as error:
            failed.append(error)
        finally:
            up.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert up.wait(PATIENCE)
    if failed:
        raise failed[0]
    try:
        yield got[0]
    finally:
        got[0].drain(0)
        thread.join(PATIENCE)
        assert not thread.is_alive()


def plain() -> App:
    made = App()
    made.get("/")(about)
    return made


def port(server: flare.HostServer) -> int:
    return int(server.address.rsplit(":", 1)[1])


def shake_hands(where: int, context: ssl.SSLContext, name: str = "localhost") -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("localhost", where), timeout=PATIENCE), server_hostname=name)


def shown_by(where: int, name: str = "localhost") -> str:
    """The digest of the certificate that new connections get."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with shake_hands(where, context, name) as connection:
        return hashlib.sha256(connection.getpeercert(True) or b"").hexdigest()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_https_with_the_clients_of_others(loop: str, pairs: Pairs) -> None:
    one = pairs.one
    with running(loop, app(), certificate=one.certificate, key=one.key) as server:
        url = f"https://localhost:{port(server)}"
        expected = {
            "scheme": "https",
            "version": "TLSv1.3",
            "name": "localhost",
            "shown": None,
            "chain": 0,
            "resumed": False,
            "early": False,
        }
        with httpx.Client(verify=trusting(one)) as client:
            for path in ("/", "/later"):
                answer = client.get(url + path).json()
                assert {name: answer[name] for name in expected} == expected
                assert (answer["http"], answer["suite"][:4]) == ("1.1", "TLS_")
        with httpx.Client(verify=trusting(one), http2=True) as client:
            got = client.get(f"{url}/later")
            assert (got.http_version, got.json()["alpn"], got.json()["http"]) == ("HTTP/2", "h2", "2")
            body = os.urandom(300_000)
            assert client.post(f"{url}/echo", content=body).content == body
        assert requests.get(url, verify=str(one.certificate), timeout=PATIENCE).json()["scheme"] == "https"

        async def ask() -> str:
            async with aiohttp.ClientSession() as session, session.get(url, ssl=trusting(one)) as answer:
                return str((await answer.json())["version"])

        assert asyncio.run(ask()) == "TLSv1.3"
        stats = server.stats()
        assert stats["tls_handshakes"] >= 4 and stats["tls_failed"] == 0
        # Without TLS it is told so.
        answer = httpx.get(f"http://localhost:{port(server)}/")
        assert (answer.status_code, "HTTPS" in answer.text or "TLS" in answer.text) == (400, True)


def test_certificates_from_memory_and_one_file(pairs: Pairs, tmp_path: Path) -> None:
    one = pairs.one
    both = tmp_path / "both.pem"
    both.write_bytes(one.certificate.read_bytes() + one.key.read_bytes())
    for options in (
        {"certificate": one.certificate.read_bytes(), "key": one.key.read_bytes()},
        {"certificate": both},
        {"tls": Tls(str(both))},
    ):
        with running(**options) as server:
            assert httpx.get(f"https://localhost:{port(server)}", verify=trusting(one)).json()["scheme"] == "https"


def test_serving_in_a_running_loop(pairs: Pairs) -> None:
    one = pairs.one

    async def main() -> None:
        async with app().serving("localhost", 0, certificate=one.certificate, key=one.key) as server:
            async with httpx.AsyncClient(verify=trusting(one)) as client:
                assert (await client.get(f"https://localhost:{port(server)}/later")).json()["version"] == "TLSv1.3"
            reader, writer = await asyncio.open_connection("localhost", port(server), ssl=trusting(one))
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_certificates_of_clients(pairs: Pairs) -> None:
    one, two, client = pairs.one, pairs.two, pairs.client
    with running(tls=Tls(one.certificate, one.key, client_roots=two.certificate)) as server:
        url = f"https://localhost:{port(server)}"
        answer = httpx.get(url, verify=trusting(one, client)).json()
        assert (answer["shown"], answer["chain"]) == (client.digest, 1)
        with pytest.raises(httpx.HTTPError, match=r"(?i)certificate.required"):
            httpx.get(url, verify=trusting(one))
        # One that signed itself.
        with pytest.raises(httpx.HTTPError):
            httpx.get(url, verify=trusting(one, one))
        assert server.stats()["tls_failed"] == 2
    with running(tls=Tls(one.certificate, one.key, client_roots=[two.certificate], client_auth="optional")) as server:
        url = f"https://localhost:{port(server)}"
        assert httpx.get(url, verify=trusting(one)).json()["shown"] is None
        assert httpx.get(url, verify=trusting(one, client)).json()["shown"] == client.digest


def test_versions_protocols_names_and_sessions(pairs: Pairs, tmp_path: Path) -> None:
    one, two = pairs.one, pairs.two
    secrets = tmp_path / "secrets"
    settings = Tls(one.certificate, one.key, also=[(two.certificate, two.key)], min_version="TLSv1.3", alpn=["http/1.1"], key_log=secrets)
    with running(tls=settings) as server:
        assert shown_by(port(server), "one.example") == shown_by(port(server), "localhost") == one.digest
        assert shown_by(port(server), "two.example") == two.digest
        old = trusting(one)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
            shake_hands(port(server), old)
        context = trusting(one)
        context.set_alpn_protocols(["h2", "http/1.1"])
        ask = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with shake_hands(port(server), context) as connection:
            assert connection.selected_alpn_protocol() == "http/1.1"
            connection.sendall(ask)
            assert b'"resumed":false' in connection.recv(65536).replace(b" ", b"")
            session = connection.session
        again = context.wrap_socket(socket.create_connection(("localhost", port(server))), server_hostname="localhost", session=session)
        with again as connection:
            connection.sendall(ask)
            assert b'"resumed":true' in connection.recv(65536).replace(b" ", b"")
        assert server.stats()["tls_resumed"] == 1
        assert "CLIENT_TRAFFIC_SECRET_0" in secrets.read_text()


@pytest.mark.parametrize("loop", ["auto", "asyncio"])
def test_a_certificate_is_chosen_by_a_function(pairs: Pairs, loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    one, two = pairs.one, pairs.two
    asked: list[str | None] = []
    other = Identity(two.certificate.read_bytes(), two.key)

    def choose(name: str | None) -> Identity | None:
        asked.append(name)
        if name == "wrong.example":
            return "no identity"  # type: ignore[return-value]
        if name == "boom.example":
            raise KeyError(name)
        return other if name == "other.example" else None

    with running(tls=Tls(one.certificate, one.key, resolver=choose), loop=loop) as server:
        assert shown_by(port(server), "other.example") == two.digest
        for name in ("boom.example", "wrong.example"):
            with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
                shown_by(port(server), name)
        assert shown_by(port(server), "one.example") == one.digest
        assert asked == ["other.example", "boom.example", "wrong.example", "one.example"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [KeyError, TypeError]
    with pytest.raises(TypeError, match="no function"):
        Tls(one.certificate, one.key, resolver=7).check()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"nowhere\.pem"):
        Identity("/nowhere.pem")
    with pytest.raises(ValueError, match="key"):
        Identity(one.certificate, two.key)


def test_a_certificate_for_development() -> None:
    made = Tls.self_signed("localhost")
    assert isinstance(made.certificate, bytes) and "PRIVATE" not in repr(made)
    with running(tls=made) as server:
        context = ssl.create_default_context(cadata=made.certificate.decode())
        assert httpx.get(f"https://localhost:{port(server)}", verify=context).json()["name"] == "localhost"


@pytest.fixture
def live(pairs: Pairs, tmp_path: Path) -> tuple[Pair, Callable[[Pair], None]]:
    """Files of a server, and what puts others in their place."""
    files = Pair(tmp_path / "live.pem", tmp_path / "live.key")

    def put(pair: Pair) -> None:
        shutil.copyfile(pair.certificate, files.certificate)
        shutil.copyfile(pair.key, files.key)

    put(pairs.one)
    return files, put


def test_new_certificates_by_a_call(pairs: Pairs, live: tuple[Pair, Callable[[Pair], None]]) -> None:
    files, put = live
    with running(certificate=files.certificate, key=files.key) as server:
        kept = shake_hands(port(server), trusting(pairs.one))
        put(pairs.two)
        assert shown_by(port(server)) == pairs.one.digest
        server.reload_tls()
        assert shown_by(port(server)) == pairs.two.digest
        files.certificate.write_text("nothing")
        with pytest.raises(ValueError, match=r"live\.pem"):
            server.reload_tls()
        assert shown_by(port(server)) == pairs.two.digest
        # The connection of before has lost nothing.
        kept.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200 ")
        kept.close()


PROGRAM = """
    import flare
    app = flare.App()
    app.get("/")(lambda request: request.scheme)
"""


@pytest.mark.parametrize(
    "arguments", [["--workers", "2"], ["--workers", "2", "--start", "fork"], ["--loop", "none"], ["--loop", "asyncio"]]
)
def test_new_certificates_by_signal(arguments: list[str], pairs: Pairs, live: tuple[Pair, Callable[[Pair], None]], tmp_path: Path) -> None:
    files, put = live
    (tmp_path / "web.py").write_text(textwrap.dedent(PROGRAM))
    command = [sys.executable, "-m", "flare", "web:app", "--port", "0", "--cert", files.certificate, "--key", files.key, *arguments]
    program = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert program.stderr is not None
    log = ""

    def lines_until(count: int, *texts: str) -> str:
        nonlocal log
        found = 0
        while found < count:
            assert program.stderr is not None
            line = program.stderr.readline()
            assert line, log
            log += line
            found += any(text in line for text in texts)
        return line

    workers = 2 if "--workers" in arguments else 1
    ready = "2 workers" if workers == 2 else "listening on"
    where = int(lines_until(1, ready).split("listening on ")[1].split(",")[0].rsplit(":", 1)[1])
    try:
        url = f"https://localhost:{where}"
        assert httpx.get(url, verify=trusting(pairs.one)).text == "https"
        put(pairs.two)
        program.send_signal(signal.SIGHUP)
        lines_until(workers, "certificates taken")
        assert {shown_by(where) for _ in range(20)} == {pairs.two.digest}
        files.key.write_text("nothing")
        program.send_signal(signal.SIGHUP)
        lines_until(workers, "certificates not taken")
        assert {shown_by(where) for _ in range(20)} == {pairs.two.digest}
    finally:
        program.terminate()
        rest = program.communicate(timeout=PATIENCE)[1]
    assert program.returncode == 0 and "0 cut" in rest, log + rest


def test_files_are_watched(pairs: Pairs, live: tuple[Pair, Callable[[Pair], None]], caplog: pytest.LogCaptureFixture) -> None:
    files, put = live
    taken = threading.Event()
    caplog.set_level("INFO", "flare")
    with running(tls=Tls(files.certificate, files.key, watch=0.1)) as server:
        put(pairs.two)
        end = threading.Timer(PATIENCE, taken.set)
        end.start()
        while shown_by(port(server)) != pairs.two.digest:
            assert not taken.wait(0.05), "the new files were not taken"
        end.cancel()


def test_what_is_wrong_is_said_with_file_and_block(pairs: Pairs, tmp_path: Path) -> None:
    one, two = pairs.one, pairs.two

    def refused(kind: type[Exception], match: str, **options: Any) -> None:
        with pytest.raises(kind, match=match):
            plain().host("localhost", 0, **options)

    refused(ValueError, r"none\.pem.*can't be read", certificate=tmp_path / "none.pem", key=one.key)
    refused(ValueError, r"one\.pem.*CERTIFICATE", certificate=one.certificate, key=one.certificate)
    refused(ValueError, r"two\.key", certificate=one.certificate, key=two.key)
    refused(ValueError, "memory", certificate=b"nothing", key=one.key)
    refused(ValueError, "empty", certificate="", key=one.key)
    refused(ValueError, "no certificate", key=one.key)
    refused(ValueError, "either", certificate=one.certificate, tls=Tls(one.certificate))
    refused(TypeError, r"no flare\.Tls", tls=ssl.create_default_context())
    for wrong, setting in (
        ({"min_version": "TLSv1.1"}, "min_version"),
        ({"client_auth": "maybe"}, "client_auth"),
        ({"client_auth": "required"}, "client"),
        ({"client_roots": one.key}, r"one\.key"),
        ({"alpn": ["spdy"]}, "alpn"),
        ({"handshake_timeout": -1}, "handshake_timeout"),
        ({"early_data_limit": 100}, "tickets"),
        ({"early_data_unsafe_methods": True}, "early_data_limit"),
        ({"max_handshakes": 0}, "max_handshakes"),
    ):
        refused(ValueError, setting, tls=Tls(one.certificate, one.key, **wrong))  # type: ignore[arg-type]
    refused(TypeError, "names", tls=Tls(one.certificate, one.key, names="a.example"))
    refused(TypeError, "session_cache", tls=Tls(one.certificate, one.key, session_cache=0.5))  # type: ignore[arg-type]
    # The caller of workers hears it too, before there are any.
    with pytest.raises(ValueError, match=r"two\.key"):
        plain().run("localhost", 0, certificate=one.certificate, key=two.key, workers=2, start="fork")
    server = plain().host("localhost", 0)
    with pytest.raises(RuntimeError, match="no TLS"):
        server.reload_tls()


def test_the_command_says_what_belongs_together(pairs: Pairs, tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text(textwrap.dedent(PROGRAM))

    def ask(*arguments: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flare", "web:app", "--port", "0", *arguments], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 1
        return done.stderr

    assert "--key needs --cert" in ask("--key", pairs.one.key)
    assert "--tls-min needs --cert" in ask("--tls-min", "TLSv1.3")
    assert "--self-signed needs no other" in ask("--self-signed", "localhost", "--cert", pairs.one.certificate)
    assert "two.key" in ask("--cert", pairs.one.certificate, "--ssl-keyfile", pairs.two.key)
