"""WebSockets: an echo at `/`, and a chat at `/chat`, with a page for browsers at the same place."""

from flare import (
    Message,
    Request,
    Response,
    Router,
    SocketHandler,
    Sockets,
    WebSocket,
    WebSocketOptions,
)
from support.query import value_of
from support.run import run

comptime ROOM = "chat"
comptime PAGE = """<!doctype html>
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


def echo(socket: WebSocket, message: Message) raises:
    """Sends each message back. One reply for each is never refused: while the client does not read, no more messages come."""
    if socket.is_open():
        _ = socket.send(message)


@fieldwise_init
struct Guest(SocketHandler):
    """One who takes part in the chat. The value lives as long as the socket."""

    var name: String

    def say(self, socket: WebSocket, words: String) raises:
        # It reaches the sockets of all workers, this one too. False: too much waits already, so it is not said.
        _ = socket.publish(ROOM, String(self.name, ": ", words))

    def open(mut self, socket: WebSocket) raises:
        socket.subscribe(ROOM)
        self.say(socket, "hello")

    def message(mut self, socket: WebSocket, message: Message) raises:
        if message.is_text:
            self.say(socket, message.text())
        else:
            socket.close(1003, "text only")

    def close(mut self, socket: WebSocket, code: Int, reason: String) raises:
        self.say(socket, "bye")


@fieldwise_init
struct Chat(Sockets):
    comptime State = Guest

    def enter(mut self, request: Request) raises -> Guest:
        return Guest(value_of(request.query().or_else(""), "name").or_else("somebody"))


def page(request: Request) -> Response:
    return Response.html(PAGE)


def main() raises:
    var router = Router()
    router.ws("/", echo, WebSocketOptions(message_limit=16 << 20, deflate=True))
    var options = WebSocketOptions()
    options.otherwise(page)
    router.ws("/chat", Chat(), options)
    run(router)
