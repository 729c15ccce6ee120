"""Fault 5: a client sends requests and never reads a reply.

Only its own connection suffers: it is closed at the stall limit, and what others wait at the 99th
percentile stays what it was.
"""

import time

from support import frames
from support.report import Report, percentile
from support.server import Server
from support.sp import Connection


def latencies(connection, count):
    request = frames.infer_identity(64)
    values = []
    for _ in range(count):
        start = time.monotonic()
        connection.call(request)
        values.append((time.monotonic() - start) * 1e6)
    return values


def main():
    report = Report("fault 5: a client that never reads")
    with Server(endpoints=("ipc", "tcp")) as server:
        for url in server.urls:
            scheme = url.partition(":")[0]
            good = Connection(url)
            latencies(good, 500)
            quiet = latencies(good, 3000)
            greedy = Connection(url, timeout=2)
            request = frames.infer_identity(500_000)
            closed_before = server.statistics()["connectionsClosed"]
            sent = 0
            try:
                for _ in range(200):
                    greedy.send(request)
                    sent += 1
            except OSError:
                pass  # The server stopped reading, or has closed the connection.
            start = time.monotonic()
            beside = []
            while time.monotonic() - start < 3:
                beside += latencies(good, 200)
            report.note(f"{scheme}: {sent} requests of 500 kB sent, nothing read")
            before, during = percentile(quiet, 0.99), percentile(beside, 0.99)
            # What noise alone does to this percentile on a shared machine is a factor of two.
            report.check(
                during < max(2 * before, before + 500),
                f"{scheme}: others' p99 {during:.0f} us, alone {before:.0f} us")
            server.wait_until(
                lambda: server.statistics()["connectionsClosed"] > closed_before, 20,
                "the connection was not closed at the stall limit")
            report.check(
                True, f"{scheme}: closed after {time.monotonic() - start:.1f} s of stall")
            server.wait_until(
                lambda: server.statistics()["inferencesInFlight"] == 0, 10,
                "requests still in flight")
            report.check(frames.is_live(good), f"{scheme}: the good client is answered")
            greedy.close()
            good.close()
    report.finish()


if __name__ == "__main__":
    main()
