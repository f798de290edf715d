"""Datagrams of requests (RFC 9297), in the capsules of HTTP/1.1."""
import socket
import unittest

from program import Running

LIMIT = 20


class Datagrams(unittest.TestCase):
    def setUp(self):
        self.running = Running(["target/test/mojo/datagrams"], ("127.0.0.1:0",))
        self.addCleanup(self.running.kill)

    def offer(self, path):
        connection = socket.create_connection(("127.0.0.1", self.running.port), timeout=LIMIT)
        self.addCleanup(connection.close)
        connection.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n" % path)
        head = self.until(connection, b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        self.assertIn(b"\r\ncapsule-protocol: ?1\r\n", head)
        return connection

    def until(self, connection, expected):
        came = b""
        while not came.endswith(expected):
            # Byte by byte: what comes behind a head is no part of it.
            part = connection.recv(1)
            self.assertTrue(part, came)
            came += part
        return came

    def end(self):
        """Ends the program, and gives its lines."""
        self.running.ask_to_end()
        printed, _ = self.running.process.communicate(timeout=LIMIT)
        self.assertEqual(self.running.process.returncode, 0)
        lines = printed.splitlines()
        self.assertEqual(lines[-1], "the end")
        return lines[:-1]

    def test_a_driver_hears_of_datagrams(self):
        connection = self.offer(b"/echo")
        # A capsule of an unknown kind between two datagrams.
        connection.sendall(b"\x00\x05hello\x21\x01x\x00\x00")
        self.until(connection, b"\x00\x05hello\x00\x00")
        connection.shutdown(socket.SHUT_WR)
        self.assertEqual(self.until(connection, b"\x00\x03bye"), b"\x00\x03bye")
        self.assertEqual(connection.recv(1), b"")
        self.assertEqual(self.end(), [])

    def test_what_is_refused_is_told(self):
        connection = self.offer(b"/misuse")
        self.assertEqual(self.until(connection, b"\x00\x01x" * 128), b"\x00\x01x" * 128)
        self.assertEqual(connection.recv(1), b"")
        self.assertEqual(self.end(), [
            "read: FLARE_ERROR_INVALID_ARGUMENT: the exchange has no datagrams",
            "send: FLARE_ERROR_INVALID_ARGUMENT: the exchange has no datagrams",
            "switch: FLARE_ERROR_INVALID_ARGUMENT: the client does not offer this protocol",
            "sizes: 0 65536",
            "large: FLARE_ERROR_LIMIT: a datagram may have 65536 bytes here",
            "taken: 128",
            "late: FLARE_ERROR_FINISHED: the exchange was answered before",
        ])
