"""Fault 6: a peer that is silent after connecting, and one that sends a byte a second.

Time-outs close both, no thread is held, and others are answered as before.
"""

import time

from support import frames
from support.report import Report
from support.server import Server
from support.sp import Address, Connection, handshake


def closed_within(stream, seconds):
    """Whether the peer closes the stream in time; what it sends before that is skipped."""
    stream.settimeout(seconds)
    try:
        while stream.recv(4096):
            pass
        return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def main():
    report = Report("fault 6: silent and slow peers")
    with Server(endpoints=("ipc", "tcp")) as server:
        for url in server.urls:
            scheme = url.partition(":")[0]
            good = Connection(url)
            base = server.descriptor_count()
            silent = [Address(url).open() for _ in range(50)]
            start = time.monotonic()
            slow = Address(url).open()
            slow.sendall(handshake())
            message = good.message(frames.server_live())
            drip_end = None
            for index in range(12):
                try:
                    slow.sendall(message[index:index + 1])
                except OSError:
                    drip_end = time.monotonic() - start
                    break
                report_alive = frames.is_live(good)
                if not report_alive:
                    break
                time.sleep(1)
            report.check(report_alive, f"{scheme}: others are answered meanwhile")
            report.check(
                all(closed_within(stream, 3) for stream in silent),
                f"{scheme}: 50 silent peers closed within {time.monotonic() - start:.0f} s")
            if drip_end is None and closed_within(slow, 30):
                drip_end = time.monotonic() - start
            report.check(
                drip_end is not None,
                f"{scheme}: a peer that sends a byte a second closed after "
                f"{drip_end or 0:.0f} s")
            server.wait_until(
                lambda: server.descriptor_count() <= base, 10, "descriptors did not come back")
            report.check(True, f"{scheme}: descriptors back at {base}")
            good.close()
    report.finish()


if __name__ == "__main__":
    main()
