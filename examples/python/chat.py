"""WebSockets: an echo at `/`, and a chat at `/chat`, with a page for browsers at the same place."""

from flare import App, Request, Response, WebSocket
from support import run

ROOM = "chat"
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>flare chat</title>
<h1>Chat</h1>
<form><input name="text" autofocus autocomplete="off"> <button>Send</button></form>
<ul></ul>
<script>
  const socket = new WebSocket(location.href.replace(/^http/, 'ws'));
  const show = (text) => document.querySelector('ul').append(Object.assign(document.createElement('li'), { textContent: text }));
  socket.onopen = () => show('connected');
  socket.onmessage = ({ data }) => show(data);
  socket.onclose = ({ code }) => show(`closed: ${code}`);
  document.forms[0].onsubmit = (event) => {
    event.preventDefault();
    const { text } = event.target.elements;
    socket.send(text.value);
    text.value = '';
  };
</script>
"""

app = App()


@app.ws("/", message_limit=16 << 20, deflate=True)
async def echo(ws: WebSocket) -> None:
    """Sends each message back. While the client does not take the replies, its messages are not read."""
    async for message in ws:
        await ws.send(message)


def page(request: Request) -> Response:
    return Response.html(PAGE)


@app.ws("/chat", otherwise=page)
class Guest:
    """One who takes part in the chat. The object lives as long as the socket."""

    def open(self, ws: WebSocket) -> None:
        self.name = ws.request.query_params.get("name", "somebody")
        ws.subscribe(ROOM)
        self.say(ws, "hello")

    def say(self, ws: WebSocket, words: str) -> None:
        # It reaches the sockets of this server, this one too. False: too much waits already, so it is not said.
        ws.publish(ROOM, f"{self.name}: {words}")

    def message(self, ws: WebSocket, message: str | bytes) -> None:
        if isinstance(message, str):
            self.say(ws, message)
        else:
            ws.begin_close(1003, "text only")

    def close(self, ws: WebSocket, code: int, reason: str) -> None:
        self.say(ws, "bye")


if __name__ == "__main__":
    run(app)
