# SPDX-License-Identifier: Apache-2.0
"""A client that writes HTTP/2 frames itself (RFC 9113), for what gRPC's own
clients never do: calls without a message, windows that stay shut, settings
that are not acknowledged."""

import os
import select
import socket
import struct
import time

from harness import DEADLINE_S, ELECTION

# A test that only the transport to come can pass is seen to fail with this.
NATIVE = "ELECTD_TEST_NATIVE" in os.environ

DATA, HEADERS, RST_STREAM, SETTINGS, PING = 0, 1, 3, 4, 6
GOAWAY, WINDOW_UPDATE = 7, 8
ACK = END_STREAM = 1
END_HEADERS = 4
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4


class Closed(Exception):
    """The daemon has closed the connection."""


def frame(kind, flags, stream, payload=b""):
    head = struct.pack(">I", len(payload))[1:]
    return head + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value):
    """A header that goes into no table, without Huffman's code."""
    fields = b"\0"
    for text in (name, value):
        size, text = len(text), text.encode()
        if size < 127:
            fields += bytes([size])
        else:
            fields += b"\x7f"
            size -= 127
            while size > 127:
                fields += bytes([size & 127 | 128])
                size >>= 7
            fields += bytes([size])
        fields += text
    return fields


class Frames:
    """A connection. `ended` has the streams that the daemon has ended, with
    END_STREAM or a reset; `settings` what it announced."""

    def __init__(self, target, settings=(), acknowledges=False):
        path = target.removeprefix("unix:")
        if path != target:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(path)
        else:
            host, port = target.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
        self.socket.setblocking(False)
        self.acknowledges = acknowledges
        # What goes out between two frames of the caller's.
        self.due = b""
        self.stream = -1
        self.received = b""
        self.ended = {}
        self.settings = {}
        self.pongs = 0
        payload = b"".join(struct.pack(">HI", *pair) for pair in settings)
        self.send(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, payload)
        )

    def call(self, path, message=None, metadata=()):
        """The frames of one call; without a message it stays open."""
        self.stream += 2
        fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "a"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            *metadata,
        ]
        block = b"".join(literal(*field) for field in fields)
        frames = b""
        kind = HEADERS
        while len(block) > 16384:
            frames += frame(kind, 0, self.stream, block[:16384])
            block, kind = block[16384:], 9
        frames += frame(kind, END_HEADERS, self.stream, block)
        if message is not None:
            data = b"\0" + struct.pack(">I", len(message)) + message
            frames += frame(DATA, END_STREAM, self.stream, data)
        return frames

    def send(self, data):
        """Sends all of it; what comes meanwhile is read away."""
        deadline = time.monotonic() + DEADLINE_S
        data, self.due = self.due + data, b""
        while data:
            readable, writable, _ = select.select(
                [self.socket], [self.socket], [], 1
            )
            if readable:
                self._receive()
            if writable:
                try:
                    data = data[self.socket.send(data) :]
                except OSError as error:
                    raise Closed() from error
            if time.monotonic() > deadline:
                raise AssertionError("the daemon does not read")

    def _receive(self):
        try:
            received = self.socket.recv(1 << 20)
        except OSError as error:
            raise Closed() from error
        if not received:
            raise Closed()
        self.received += received
        while len(self.received) >= 9:
            size = int.from_bytes(self.received[:3], "big")
            if len(self.received) < 9 + size:
                return
            kind, flags, stream = struct.unpack(">BBI", self.received[3:9])
            payload = self.received[9 : 9 + size]
            self.received = self.received[9 + size :]
            self._take(kind, flags, stream, payload)

    def _take(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            for offset in range(0, len(payload), 6):
                name, value = struct.unpack_from(">HI", payload, offset)
                self.settings[name] = value
            if self.acknowledges:
                self.due += frame(SETTINGS, ACK, 0)
        elif kind == PING and flags & ACK:
            self.pongs += 1
        elif kind == GOAWAY:
            raise Closed()
        elif kind == RST_STREAM:
            self.ended[stream] = "reset"
        elif kind in (DATA, HEADERS) and flags & END_STREAM:
            self.ended.setdefault(stream, "ended")

    def wait(self, condition, timeout_s=DEADLINE_S):
        """Reads until the condition holds; False when the time is over."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            if select.select([self.socket], [], [], left_s)[0]:
                self._receive()
            if self.due:
                self.send(b"")
        return True

    def ping(self):
        """The daemon has read all that was sent before."""
        pongs = self.pongs
        self.send(frame(PING, 0, 0, bytes(8)))
        if not self.wait(lambda: self.pongs > pongs):
            raise AssertionError("no answer to a ping")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def get_term_request(election):
    name = election.encode()
    return bytes([0x0A, len(name) + 2, 0x0A, len(name)]) + name


def promote_request(election, candidate):
    name = candidate.encode()
    size = bytes([len(name) & 127 | 128, len(name) >> 7])
    return get_term_request(election) + b"\x12" + size + name


GET_TERM = ELECTION + "GetTerm"
PROMOTE = ELECTION + "Promote"
WATCH = ELECTION + "Watch"
