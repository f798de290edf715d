"""The end of a server: SIGTERM or Ctrl-C stops it taking connections, running exchanges get ten seconds, then it reports."""

from flare import App, Request, Settings
from support import run

app = App(Settings(drain_timeout=10))


@app.get("/")
def get_home(request: Request) -> str:
    return "still here\n"


@app.post("/")
def post_home(request: Request) -> str:
    return f"{len(request.body)} bytes\n"


if __name__ == "__main__":
    report = run(app)
    print(f"{report.requests} requests, {report.finished} connections finished, {report.aborted} aborted")
