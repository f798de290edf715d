"""What `make bench` measures: each workload, the servers beside flare, and what flare has to reach."""
from dataclasses import dataclass, field

import shutil

from server import BIN, environment


@dataclass
class Row:
    """The first server is the reference. It runs twice: how far the copies are apart is the spread of the run."""

    group: str
    servers: str
    goals: dict = field(default_factory=dict)  # CPU per unit as a ratio to that server in the same rounds
    flare: str = "flare"


SUITE = {
    "plain": Row("http1", "floor hyper actix axum may nginx go", {"floor": 1.08, "hyper": 0.94}),
    "hdr": Row("http1", "floor hyper actix axum nginx go", {"floor": 1.12, "hyper": 0.80}),
    "pipe": Row("http1", "floor hyper actix may nginx go", {"floor": 1.35, "hyper": 0.62}),
    "churn": Row("http1", "floor hyper nginx go", {"floor": 1.10}),
    "get64k": Row("http1", "floor hyper actix nginx go", {"floor": 1.06}),
    "put1m": Row("http1", "floor hyper actix nginx go", {"floor": 1.10}),
    "later": Row("http1", "now"),
    "files64k": Row("files", "nginx", {"nginx": 1.10}),
    "files1m": Row("files", "nginx", {"nginx": 1.10}),
    "tls": Row("tls", "hyper-tls nginx-tls go-tls", {"hyper-tls": 0.92, "nginx-tls": 0.68}, "flare-tls"),
    "tls-full": Row("tls", "hyper-tls nginx-tls go-tls", {"hyper-tls": 1.00}, "flare-tls"),
    "tls-resume": Row("tls", "hyper-tls nginx-tls go-tls", {"hyper-tls": 1.00}, "flare-tls"),
    "tls-get1m": Row("tls", "hyper-tls nginx-tls go-tls", {"hyper-tls": 0.92}, "flare-tls"),
    "h2c": Row("http2", "hyper-h2c nghttpd nginx-h2c", {"hyper-h2c": 0.70}),
    "h2": Row("http2", "hyper-h2 nginx-h2 go-h2", {"hyper-h2": 0.70}, "flare-tls"),
    "h3": Row("http3", "h3quiche-gso h3quinn", {"h3quiche-gso": 0.85, "h3quinn": 0.80}, "flare-h3"),
    "h3-get1m": Row("http3", "h3quiche-gso h3quinn", {"h3quiche-gso": 0.95}, "flare-h3"),
    "ws16": Row("websocket", "floor fastwebsockets tungstenite", {"floor": 1.10}),
    "ws64k": Row("websocket", "floor fastwebsockets tungstenite", {"floor": 1.20}),
    "broadcast": Row("websocket", "floor", {"floor": 1.50}),
}
# Servers that others have built: the program that must be there.
PROGRAMS = {"nginx": "nginx", "nghttpd": "nghttpd", "go": "peer_go", "h3quiche": "peer_h3quiche", "h3quinn": "peer_h3quinn", "h3lg": "h3lg",
            "hyper": "peer_hyper", "actix": "peer_actix", "axum": "peer_axum", "may": "peer_may", "fastwebsockets": "peer_ws", "tungstenite": "peer_ws"}


def is_there(program):
    return (BIN / program).exists() or shutil.which(program, path=environment()["PATH"]) is not None


def servers(workload):
    """The servers of a workload that are there, its reference twice; and why others, or all, are left out."""
    row, left_out = SUITE[workload], []
    client = {"http2": "h2load", "http3": "h3lg"}.get(row.group)
    if client and not is_there(client):
        return [], [f"{client} is not there"]
    names = []
    for name in row.servers.split():
        program = PROGRAMS.get(name.split("-")[0])
        if program and not is_there(program):
            left_out.append(f"{name}: {program} is not there")
        else:
            names.append(name)
    if not names:
        return [], left_out
    return [names[0], names[0] + "@2", *names[1:], row.flare], left_out
