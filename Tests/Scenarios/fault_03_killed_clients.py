"""Fault 3: clients with many requests in flight are killed at random, for 30 seconds.

Small (64 B) and large (500 kB) tensors both ways, over ipc and tcp. Afterwards every connection
that was opened was closed and freed, and descriptors and memory are back where they were.
"""

import argparse
import os
import random
import signal
import time

from support import frames
from support.report import Report
from support.server import Server
from support.sp import Connection

DEPTH = 16


def pipeline(url, byte_count):
    """Keeps DEPTH requests in flight until it is killed."""
    request = frames.infer_identity(byte_count)
    connection = Connection(url)
    for _ in range(DEPTH):
        connection.send(request)
    while True:
        connection.receive()
        connection.send(request)


def start(url, byte_count):
    process = os.fork()
    if process == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            pipeline(url, byte_count)
        finally:
            os._exit(0)
    return process


def storm(urls, seconds):
    """Keeps one client alive of each kind; returns how many were killed."""
    kinds = [(url, size) for url in urls for size in (64, 500_000)]
    clients = {}
    killed = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for kind in kinds:
            if kind not in clients:
                clients[kind] = (start(*kind), time.monotonic() + random.uniform(0.01, 0.4))
            process, death = clients[kind]
            if time.monotonic() >= death:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                del clients[kind]
                killed += 1
        time.sleep(0.005)
    for process, _ in clients.values():
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        killed += 1
    return killed


def is_settled(server):
    counters = server.statistics()
    return (
        counters["connectionsOpened"] == counters["connectionsClosed"]
        == counters["connectionsFreed"] and counters["inferencesInFlight"] == 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    seconds = parser.parse_args().seconds
    report = Report(f"fault 3: clients killed at random for {seconds:.0f} s")
    with Server(endpoints=("ipc", "tcp")) as server:
        # Pools and caches fill in a first, short storm; what they keep is the base.
        storm(server.urls, max(2, seconds / 6))
        server.wait_until(lambda: is_settled(server), 15, "the first storm did not settle")
        descriptors, memory = server.descriptor_count(), server.resident_kilobytes()
        killed = storm(server.urls, seconds)
        report.note(f"{killed} clients killed")
        server.wait_until(lambda: is_settled(server), 15, f"not settled: {server.statistics()}")
        counters = server.statistics()
        report.check(
            True, "connections opened = closed = freed = " f"{counters['connectionsFreed']}")
        report.check(
            server.descriptor_count() <= descriptors,
            f"descriptors {server.descriptor_count()}, base {descriptors}")
        now = server.resident_kilobytes()
        report.check(
            now <= memory * 1.1 + 8192, f"resident memory {now} kB, base {memory} kB")
        for url in server.urls:
            report.check(
                frames.is_live(Connection(url)), f"answers on {url.partition(':')[0]}")
        code, took = server.terminate()
        report.check(code == 0, f"ends with {code} in {took:.2f} s")
    report.finish()


if __name__ == "__main__":
    main()
