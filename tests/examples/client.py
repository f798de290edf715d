"""An HTTP/1.1 client that hides nothing: interim answers, chunks and trailers are there to be compared."""
import socket, threading
from dataclasses import dataclass, field


class Malformed(Exception):
    """What came is no answer."""


@dataclass
class Answer:
    status: int
    fields: list  # (name in lower case, value)
    interim: list = field(default_factory=list)  # answers with a status below 200
    body: bytes = b""
    trailers: list = field(default_factory=list)

    def get(self, name):
        """The value of the only field of this name, or None."""
        values = [value for key, value in self.fields if key == name]
        if len(values) > 1:
            raise Malformed(f"there are {len(values)} fields {name}")
        return values[0] if values else None


class Client:
    """One connection."""

    def __init__(self, port, limit):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=limit)
        self.input = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.input.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, case):
        """The answer to a case."""
        self.send_beside(request(case))
        return self.answer(case.method)

    def ask_in_two(self, case):
        """The same, but the content waits for a 100: between the two steps of this generator the exchange runs. The last step is the answer."""
        head, content = request(case).split(b"\r\n\r\n", 1)
        self.send(head + b"\r\nExpect: 100-continue\r\n\r\n")
        yield self.head()
        self.send(content)
        yield self.answer(case.method)

    def send_beside(self, data):
        """Sends while the answer is read: a server that answers early may not take it all."""
        def send():
            try:
                self.socket.sendall(data)
            except OSError:
                pass  # the answer says why
        threading.Thread(target=send, daemon=True).start()

    def line(self):
        line = self.input.readline(65537)
        if not line.endswith(b"\r\n"):
            raise Malformed(f"no line: {line[-80:]!r}")
        return line[:-2].decode("latin-1")

    def section(self):
        """Fields up to an empty line."""
        fields = []
        while line := self.line():
            name, colon, value = line.partition(":")
            if not colon:
                raise Malformed(f"no field: {line!r}")
            fields.append((name.lower(), value.strip(" \t")))
        return fields

    def head(self):
        version, _, rest = self.line().partition(" ")
        if version != "HTTP/1.1" or not rest[:3].isdigit():
            raise Malformed(f"no answer: {version} {rest}")
        return Answer(int(rest[:3]), self.section())

    def exactly(self, length):
        data = self.input.read(length)
        if len(data) != length:
            raise Malformed(f"ended after {len(data)} of {length} bytes")
        return data

    def chunks(self, answer):
        parts = []
        while size := int(self.line().partition(";")[0], 16):
            parts.append(self.exactly(size))
            if self.exactly(2) != b"\r\n":
                raise Malformed("a chunk does not end where it should")
        answer.body = b"".join(parts)
        answer.trailers = self.section()

    def answer(self, method):
        """The next final answer, with what came before it."""
        interim = []
        while (answer := self.head()).status < 200:
            interim.append(answer)
        answer.interim = interim
        if method == "HEAD" or answer.status in (204, 304):
            pass
        elif answer.get("transfer-encoding"):
            self.chunks(answer)
        elif answer.get("content-length") is not None:
            answer.body = self.exactly(int(answer.get("content-length")))
        else:
            answer.body = self.input.read()
        return answer

    def at_end(self):
        return self.input.read(1) == b""


def request(case):
    """The bytes of a case's request."""
    fields = {"Host": "a.test", **case.send_fields}
    content = case.send or b""
    if case.send_trailers is not None:
        fields["Transfer-Encoding"] = "chunked"
        half = len(content) // 2
        parts = [part for part in (content[:half], content[half:]) if part]
        trailers = "".join(f"{name}: {value}\r\n" for name, value in case.send_trailers.items())
        content = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + f"0\r\n{trailers}\r\n".encode()
    elif case.send is not None:
        fields["Content-Length"] = str(len(content))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{case.method} {case.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + content
