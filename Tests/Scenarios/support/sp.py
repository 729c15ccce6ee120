"""SP REQ/REP version 0 over ipc and tcp, spoken with nothing but sockets.

A scenario needs a peer that can misbehave at any byte, which no library offers. What is sent and
expected is in the RFCs of nanomsg (sp-request-reply-01, sp-tcp-mapping-01, sp-ipc-mapping):
a handshake of 8 bytes, then messages that start with their length.
"""

import socket
import struct

REQ = 0x0030
REP = 0x0031


def handshake(protocol=REQ):
    return b"\0SP\0" + struct.pack(">HH", protocol, 0)


class Address:
    """An endpoint such as ipc:///tmp/x or tcp://127.0.0.1:5555."""

    def __init__(self, url):
        self.url = url
        scheme, _, rest = url.partition("://")
        self.is_ipc = scheme in ("ipc", "abstract")
        if scheme == "ipc":
            self.family, self.target = socket.AF_UNIX, rest
        elif scheme == "abstract":
            self.family, self.target = socket.AF_UNIX, b"\0" + rest.encode()
        elif scheme == "tcp":
            host, _, port = rest.rpartition(":")
            self.family, self.target = socket.AF_INET, (host, int(port))
        else:
            raise ValueError(f"{url}: only ipc, abstract and tcp are spoken here")

    def open(self, timeout=10.0):
        stream = socket.socket(self.family, socket.SOCK_STREAM)
        if self.family == socket.AF_UNIX:
            # With a time-out a full accept queue would be an error at once instead of a wait.
            stream.connect(self.target)
            stream.settimeout(timeout)
        else:
            stream.settimeout(timeout)
            stream.connect(self.target)
        if self.family == socket.AF_INET:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream


class Connection:
    """A connection that finished its handshake, sending and receiving whole SP messages."""

    def __init__(self, url, timeout=10.0):
        self.address = Address(url)
        self.stream = self.address.open(timeout)
        self.stream.sendall(handshake())
        answer = self.receive_exactly(8)
        if answer != handshake(REP):
            raise ConnectionError(f"{url}: handshake answered with {answer.hex()}")
        self.next_id = 1

    def receive_exactly(self, count):
        parts = bytearray()
        while len(parts) < count:
            part = self.stream.recv(min(count - len(parts), 1 << 20))
            if not part:
                raise ConnectionError(f"closed after {len(parts)} of {count} bytes")
            parts += part
        return bytes(parts)

    def message(self, body, request_id=None, hops=()):
        """The bytes of one message as they go on the wire."""
        if request_id is None:
            request_id = self.next_id
            self.next_id += 1
        words = b"".join(struct.pack(">I", hop & 0x7FFFFFFF) for hop in hops)
        words += struct.pack(">I", request_id | 0x80000000)
        return self.length(len(words) + len(body)) + words + body

    def length(self, byte_count):
        return (b"\x01" if self.address.is_ipc else b"") + struct.pack(">Q", byte_count)

    def send(self, body, request_id=None, hops=()):
        self.stream.sendall(self.message(body, request_id, hops))

    def receive(self):
        """Returns the id and the body of the next reply."""
        head = self.receive_exactly(9 if self.address.is_ipc else 8)
        if self.address.is_ipc and head[0] != 1:
            raise ConnectionError(f"a message of kind {head[0]}, expected 1")
        (byte_count,) = struct.unpack(">Q", head[-8:])
        message = self.receive_exactly(byte_count)
        offset = 0
        while True:
            (word,) = struct.unpack_from(">I", message, offset)
            offset += 4
            if word & 0x80000000:
                return word & 0x7FFFFFFF, message[offset:]

    def call(self, body):
        self.send(body)
        return self.receive()[1]

    def close(self):
        self.stream.close()
