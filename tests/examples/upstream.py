"""The server behind a proxy: reads all that comes on a connection, and sends it back in upper case."""
import socket, threading


def answer(connection):
    with connection, connection.makefile("rb") as content:
        try:
            connection.sendall(content.read().upper())
        except OSError:
            pass  # the proxy hung up


def serve(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def start():
    """Serves until the end of this process; returns the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    return "127.0.0.1:%d" % listener.getsockname()[1]
