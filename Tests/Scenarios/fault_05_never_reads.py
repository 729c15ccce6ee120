"""Fault 5: a client sends requests and never reads a reply.

Only its own connection suffers: it is closed at the stall limit, and what others wait at the 99th
percentile is what they wait at a second server that nobody troubles. Both are called in turns, so
that whatever else the machine does troubles both. On a busy machine about one call in a hundred waits
for a time slice, thirty times as long as the others, and a percentile just there jumps by that much
from one run to the next; so the bound is what one call in two hundred takes at the other server.
"""

import time

from support import frames
from support.report import Report, percentile
from support.server import Server
from support.sp import Connection


CALLS_PER_TURN = 20
SECONDS = 3


def latencies(connection, count=CALLS_PER_TURN):
    request = frames.infer_identity(64)
    values = []
    for _ in range(count):
        start = time.monotonic()
        connection.call(request)
        values.append((time.monotonic() - start) * 1e6)
    return values


def main():
    report = Report("fault 5: a client that never reads")
    with Server(endpoints=("ipc", "tcp")) as server, Server(endpoints=("ipc", "tcp")) as other:
        for url, other_url in zip(server.urls, other.urls):
            scheme = url.partition(":")[0]
            good, elsewhere = Connection(url), Connection(other_url)
            latencies(good, 200)
            latencies(elsewhere, 200)
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
            beside, alone = [], []
            while time.monotonic() - start < SECONDS:
                beside += latencies(good)
                alone += latencies(elsewhere)
            report.note(f"{scheme}: {sent} requests of 500 kB sent, nothing read")
            during, bound = percentile(beside, 0.99), 1.5 * percentile(alone, 0.995) + 100
            report.check(
                during < bound,
                f"{scheme}: others' p99 {during:.0f} us, {percentile(alone, 0.99):.0f} us at a "
                f"server left alone, bound {bound:.0f} us ({len(beside)} calls each)")
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
            elsewhere.close()
    report.finish()


if __name__ == "__main__":
    main()
