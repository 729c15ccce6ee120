"""Fault 14: SIGTERM while large replies are in flight.

Every accepted request is answered completely, and the server exits with 0 in time.
"""

import signal
import threading
import time

from support import frames
from support.report import Report
from support.server import Server
from support.sp import Connection

BYTES = 600_000
DEPTH = 8


class Client(threading.Thread):
    """Keeps DEPTH large requests in flight and reads slowly; notes how each one ended."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.connection = Connection(url, timeout=30)
        self.request = frames.infer_identity(BYTES)
        self.answered = 0
        self.refused = 0
        self.broken = ""
        self.is_ending = False

    def run(self):
        outstanding = 0
        while True:
            while outstanding < DEPTH and not self.is_ending:
                try:
                    self.connection.send(self.request)
                    outstanding += 1
                except ConnectionError:
                    # The server has gone; what it answered before that is still to be read.
                    self.is_ending = True
            if outstanding == 0:
                return
            try:
                _, body = self.connection.receive()
            except ConnectionError as failure:
                # A connection may end between two messages, never within one.
                if "closed after 0 of" not in str(failure):
                    self.broken = str(failure)
                return
            outstanding -= 1
            reply = frames.parse(body)
            if reply.status == "OK" and reply.payload_byte_count >= BYTES:
                self.answered += 1
            else:
                self.refused += 1
            time.sleep(0.002)


def main():
    report = Report("fault 14: SIGTERM with large replies in flight")
    for scheme in ("ipc", "tcp"):
        with Server(endpoints=(scheme,)) as server:
            clients = [Client(server.urls[0]) for _ in range(4)]
            for client in clients:
                client.start()
            time.sleep(1)
            before = server.statistics()
            server.process.send_signal(signal.SIGTERM)
            start = time.monotonic()
            time.sleep(0.05)
            for client in clients:
                client.is_ending = True
            code = server.process.wait(30)
            took = time.monotonic() - start
            for client in clients:
                client.join(30)
            answered = sum(client.answered for client in clients)
            report.check(code == 0, f"{scheme}: exit code {code} after {took:.2f} s")
            report.check(answered > 100, f"{scheme}: {answered} replies of 600 kB, whole")
            report.check(
                not any(client.broken for client in clients),
                f"{scheme}: no reply was cut short "
                f"{[client.broken for client in clients if client.broken]}")
            final = server.final_statistics()
            report.check(
                final["requestsReceived"] == final["repliesSent"] + final["repliesDropped"]
                and final["repliesDropped"] == 0,
                f"{scheme}: {final['requestsReceived']} accepted, {final['repliesSent']} replies "
                f"left, {final['repliesDropped']} dropped (at the signal: "
                f"{before['inferencesInFlight']} in flight)")
    report.finish()


if __name__ == "__main__":
    main()
