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
        if case.bursts:
            return self.converse(case)
        self.send_beside(request(case))
        return self.answer(case.method)

    def converse(self, case):
        """The same in bursts: each is sent when all that was sent before has come back, and the end comes with the last."""
        self.send(head(case))
        answer = self.head()
        if answer.get("transfer-encoding") != "chunked":
            raise Malformed(f"answered {answer.status} {answer.fields}, and not before the content")
        sent, came = 0, b""
        for burst, part in zip(case.bursts, in_bursts(case)):
            sending = self.send_beside(part)
            sent += len(burst)
            while len(came) < sent:
                if not (piece := self.chunk()):
                    raise Malformed(f"the answer ended after {len(came)} bytes, when {sent} were sent")
                came += piece
            sending.join()
        self.end_of_chunks(answer, came)
        return answer

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
        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        return thread

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

    def chunk(self):
        """The next chunk. Nothing: it was the last."""
        size = int(self.line().partition(";")[0], 16)
        content = self.exactly(size)
        if size and self.exactly(2) != b"\r\n":
            raise Malformed("a chunk does not end where it should")
        return content

    def end_of_chunks(self, answer, came):
        """All chunks that are still to come behind this content, and the trailers."""
        parts = [came]
        while piece := self.chunk():
            parts.append(piece)
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
            self.end_of_chunks(answer, b"")
        elif answer.get("content-length") is not None:
            answer.body = self.exactly(int(answer.get("content-length")))
        else:
            answer.body = self.input.read()
        return answer

    def at_end(self):
        return self.input.read(1) == b""


def request(case):
    """The bytes of a case's request."""
    content = case.send or b""
    if case.send_trailers is not None:
        half = len(content) // 2
        content = chunk(content[:half]) + chunk(content[half:]) + last_chunk(case)
    return head(case) + content


def head(case):
    fields = {"Host": "a.test", **case.send_fields}
    if case.send_trailers is not None:
        fields["Transfer-Encoding"] = "chunked"
    elif case.send is not None:
        fields["Content-Length"] = str(len(case.send))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{case.method} {case.path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def chunk(content):
    """None, if it would be the last."""
    return b"%x\r\n%s\r\n" % (len(content), content) if content else b""


def last_chunk(case):
    trailers = "".join(f"{name}: {value}\r\n" for name, value in case.send_trailers.items())
    return f"0\r\n{trailers}\r\n".encode()


def halves(bursts):
    """Where frames are cut: each begins within a burst and ends within the next, so that none comes whole."""
    cuts = [min((len(burst) + 1) // 2, 1000) for burst in bursts]
    return [(burst[:cut], burst[cut:]) for burst, cut in zip(bursts, cuts)]


def in_bursts(case):
    """The bytes of each burst."""
    if case.send_trailers is None:
        yield from case.bursts
        return
    parts = halves(case.bursts)
    rest = chunk(parts[0][0])  # of the chunk whose begin was sent
    for (_, begin), (end, _) in zip(parts, parts[1:]):
        whole = chunk(begin + end)
        cut = len(whole) - len(end) - 2
        yield rest + whole[:cut]
        rest = whole[cut:]
    yield rest + chunk(parts[-1][1]) + last_chunk(case)
