"""The wires that each case goes over: the answers are the same but for what belongs to a wire."""
from dataclasses import dataclass

import client
import client_h2

# Fields that frame an answer on HTTP/1.1, and that HTTP/2 does not have (RFC 9113, 8.2.2).
OF_HTTP1 = ("connection", "transfer-encoding")


@dataclass
class Wire:
    name: str
    client: type
    without: tuple = ()  # fields that this wire does not have

    def fields(self, fields):
        """Those of an answer that are seen on this wire."""
        return [(name, value) for name, value in fields if name not in self.without]


WIRES = [Wire("HTTP/1.1", client.Client), Wire("HTTP/2", client_h2.Client, OF_HTTP1)]
