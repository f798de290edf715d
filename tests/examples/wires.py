"""The wires that each case goes over: the answers are the same but for what belongs to a wire."""
from dataclasses import dataclass

import client
import client_h2
import client_h3

# Fields that frame an answer on HTTP/1.1, and that others do not have (RFC 9113, 8.2.2; RFC 9114, 4.2).
OF_HTTP1 = ("connection", "transfer-encoding")


@dataclass
class Wire:
    name: str
    client: type
    without: tuple = ()  # fields that this wire does not have
    options: tuple = ()  # what a program needs to be told to speak it
    says: str = "listening on"  # and before which port it says so
    most: int = 1 << 30  # how much content its client takes in reasonable time

    def fields(self, fields):
        """Those of an answer that are seen on this wire."""
        return [(name, value) for name, value in fields if name not in self.without]


WIRES = [Wire("HTTP/1.1", client.Client), Wire("HTTP/2", client_h2.Client, OF_HTTP1)]

# Only where a program can be told to encrypt.
HTTP3 = Wire("HTTP/3", client_h3.Client, OF_HTTP1, ("--tls-port", "0"), "also on", 4 << 20)
