"""The smallest server: one route, until SIGTERM or Ctrl-C."""

from flare import App, Request

app = App()


@app.get("/")
def hello(request: Request) -> str:
    return "Hello, World!\n"


if __name__ == "__main__":
    app.run("127.0.0.1", 8080)
