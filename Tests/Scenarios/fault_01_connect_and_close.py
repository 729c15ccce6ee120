"""Fault 1: peers that connect and go, reset, talk garbage or stop in the middle of the handshake.

1000 of each, on each listener, in three rounds. After a round a good client is answered in under
20 ms, and the server has no more descriptors than before.

The good client stands behind up to 128 of the others, as many as the system queues. The server works
them off in 3 ms; but while a peer has hung up whose connection is not yet closed here, libnng 1.5.2's
poll thread turns in circles and takes a processor from those that work, and once in some hundred
rounds, on two processors, it takes 10 to 25 ms. So two rounds of three must be under 20 ms, and none
over 100 ms.
"""

import argparse
import os
import socket
import statistics
import struct
import time

from support import frames
from support.report import Report
from support.server import Server
from support.sp import Address, Connection, handshake


def close_at_once(address):
    address.open().close()


def reset(address):
    stream = address.open()
    if address.family == socket.AF_INET:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        # A local socket resets when it is closed with unread bytes: wait for the handshake.
        stream.recv(1, socket.MSG_PEEK)
    stream.close()


def shut_down_and_reset(address):
    stream = address.open()
    stream.shutdown(socket.SHUT_WR)
    if address.family == socket.AF_INET:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def garbage(address):
    stream = address.open()
    try:
        stream.sendall(os.urandom(64))
    except OSError:
        pass  # The server may have hung up already.
    stream.close()


def half_handshake(address):
    stream = address.open()
    stream.sendall(handshake()[:4])
    stream.close()


ROUNDS = 3
STYLES = [close_at_once, reset, shut_down_and_reset, garbage, half_handshake]


def good_call_milliseconds(url):
    start = time.monotonic()
    connection = Connection(url)
    alive = frames.is_live(connection)
    elapsed = (time.monotonic() - start) * 1000
    connection.close()
    return elapsed if alive else float("inf")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="bad connections of each style")
    count = parser.parse_args().count
    report = Report(f"fault 1: {count} bad connections of each of {len(STYLES)} styles per listener")
    with Server(endpoints=("ipc", "abstract", "tcp")) as server:
        for url in server.urls:
            good_call_milliseconds(url)
        base = server.descriptor_count()
        for url in server.urls:
            for style in STYLES:
                address = Address(url)
                rounds = []
                for _ in range(ROUNDS):
                    for _ in range(-(-count // ROUNDS)):
                        try:
                            style(address)
                        except OSError:
                            # A full accept queue refuses the connection: as good as closing it.
                            time.sleep(0.001)
                    rounds.append(good_call_milliseconds(url))
                scheme = url.partition(":")[0]
                report.check(
                    statistics.median(rounds) < 20 and max(rounds) < 100,
                    f"{scheme} after {style.__name__}: answered in "
                    + ", ".join(f"{elapsed:.2f}" for elapsed in rounds) + " ms")
        server.wait_until(
            lambda: server.descriptor_count() <= base, 15, "descriptors did not come back")
        report.check(True, f"descriptors back at {server.descriptor_count()} (base {base})")
        counters = server.statistics()
        report.check(
            counters["connectionsOpened"] == counters["connectionsFreed"],
            f"{counters['connectionsOpened']} connections opened, "
            f"{counters['connectionsFreed']} freed")
    report.finish()


if __name__ == "__main__":
    main()
