"""Fault 7: impossible lengths and backtraces.

Announced lengths of 2^63, over the limit, 0 and shorter than a request id; a backtrace that never
ends and one with too many hops. Each gets an error frame or the connection is closed; no memory is
taken for it, and the server answers the next good request.
"""

import struct

from support import frames
from support.report import Report
from support.server import Server
from support.sp import Connection

LIMIT = 64 << 20


def outcome(connection):
    """What the server does within five seconds: 'error CODE', 'closed' or 'nothing'."""
    connection.stream.settimeout(5)
    try:
        _, body = connection.receive()
        return "error " + frames.parse(body).status
    except (ConnectionError, OSError) as failure:
        return "nothing" if isinstance(failure, TimeoutError) else "closed"


def cases(connection):
    request = frames.server_live()
    words = struct.pack(">I", 0x80000001)
    yield "announces 2^63 bytes", connection.length(1 << 63) + words + request
    yield "announces 2^64 - 1 bytes", connection.length((1 << 64) - 1) + words + request
    yield "announces more than the limit", connection.length(1 << 40) + words + request
    yield "has 0 bytes", connection.length(0)
    yield "is shorter than a request id", connection.length(3) + b"\x80\0\0"
    yield "has a backtrace without an end", connection.length(400) + b"\0\0\0\1" * 100
    yield "has 16 hops", connection.message(request, hops=range(1, 17))
    yield "has a request id and no frame", connection.length(4) + words
    yield "has a frame cut short", connection.length(4 + 20) + words + request[:20]


def main():
    report = Report("fault 7: impossible messages")
    with Server(endpoints=("ipc", "tcp")) as server:
        for url in server.urls:
            scheme = url.partition(":")[0]
            names = [name for name, _ in cases(Connection(url))]
            memory = server.resident_kilobytes()
            for index, name in enumerate(names):
                connection = Connection(url)
                message = list(cases(connection))[index][1]
                connection.stream.sendall(message)
                what = outcome(connection)
                report.check(what != "nothing", f"{scheme}: a message that {name}: {what}")
                connection.close()
                if not frames.is_live(Connection(url)):
                    report.check(False, f"{scheme}: not answered after that")
            hops = Connection(url)
            hops.send(frames.server_live(), hops=range(1, 8))
            report.check(
                frames.parse(hops.receive()[1]).status == "OK", f"{scheme}: 7 hops are answered")
            grown = server.resident_kilobytes() - memory
            report.check(grown < 16384, f"{scheme}: memory grew by {grown} kB")
    report.finish()


if __name__ == "__main__":
    main()
