"""`python -m flare module:app`, and the command `flare`."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from . import App, Tls, __version__
from .app import _address


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flare",
        description="Serves an app of flare until SIGTERM or Ctrl-C, which drain it; a second one cuts what still runs.",
        epilog="example: flare shop.web:app --host 0.0.0.0 --port 80 --workers 4",
    )
    parser.add_argument("app", metavar="MODULE:APP", help="the module and, in it, the flare.App (default name: app)")
    parser.add_argument("--host", default="127.0.0.1", help="name or address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port; 0 for any free one (default %(default)s)")
    parser.add_argument("--unix", metavar="PATH", help="listen on a Unix socket instead")
    tls = parser.add_argument_group("TLS", "files are PEM, and are read again on SIGHUP")
    tls.add_argument("--cert", "--ssl-certfile", metavar="FILE", help="the server's certificate and those that vouch for it")
    tls.add_argument("--key", "--ssl-keyfile", metavar="FILE", help="its private key (default: in the same file)")
    tls.add_argument(
        "--client-ca", "--ssl-ca-certs", metavar="FILE", action="append", default=[], help="authorities of client certificates"
    )
    tls.add_argument("--client-auth", choices=("optional", "required"), help="of client certificates (default: required with --client-ca)")
    tls.add_argument("--tls-min", choices=("TLSv1.2", "TLSv1.3"), help="the oldest version (default TLSv1.2)")
    tls.add_argument("--tls-watch", type=float, metavar="SECONDS", help="look so often whether the files changed")
    tls.add_argument("--self-signed", metavar="NAMES", help="instead: a new certificate for names, with commas between; for development")
    parser.add_argument("--workers", type=int, default=1, help="workers that share the port (default %(default)s)")
    parser.add_argument(
        "--start",
        choices=("spawn", "fork", "thread"),
        default="spawn",
        help="what workers are: new processes, copies of one, or its threads (default %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("auto", "none", "asyncio", "uvloop"),
        default="auto",
        help="auto: no loop for plain functions, else uvloop if it is installed (default %(default)s)",
    )
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info", help="(default %(default)s)")
    parser.add_argument("--app-dir", metavar="PATH", default=".", help="where the module is (default: here)")
    parser.add_argument("--version", action="version", version=f"flare {__version__}")
    return parser


def _load(text: str) -> App:
    module, _, name = text.partition(":")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module and not module.startswith(f"{error.name}."):
            raise
        raise SystemExit(f"flare: there is no module {error.name!r} (see --app-dir)") from None
    app: object = found
    for part in (name or "app").split("."):
        app = getattr(app, part, None)
    if not isinstance(app, App):
        raise SystemExit(f"flare: {module} has no flare.App named {name or 'app'!r}")
    return app


def _tls(options: argparse.Namespace) -> Tls | None:
    rest = {"--key": options.key, "--client-ca": options.client_ca, "--client-auth": options.client_auth, "--tls-watch": options.tls_watch}
    if options.self_signed is not None:
        if options.cert is not None or any(rest.values()):
            raise ValueError("--self-signed needs no other option of TLS")
        return Tls.self_signed(*options.self_signed.split(","))
    if options.cert is None:
        for name, value in {**rest, "--tls-min": options.tls_min}.items():
            if value:
                raise ValueError(f"{name} needs --cert")
        return None
    return Tls(
        options.cert,
        options.key,
        client_roots=options.client_ca,
        client_auth=options.client_auth,
        min_version=options.tls_min,
        watch=options.tls_watch,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.path.insert(0, os.path.abspath(options.app_dir))
    app = _load(options.app)
    try:
        tls = _tls(options)
        if options.workers > 1 and options.unix is None:
            level = logging.getLevelName(options.log_level.upper())
            app._run_workers(_address(options.host, options.port), options.workers, options.start, options.loop, tls, level)
        elif options.unix is not None:
            app.run(f"unix:{options.unix}", workers=options.workers, loop=options.loop, tls=tls)
        else:
            app.run(options.host, options.port, workers=options.workers, loop=options.loop, tls=tls)
    except (OSError, ValueError) as error:
        raise SystemExit(f"flare: {error}") from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
