"""Fault 15: the server runs out of file descriptors.

Accepting pauses, connections that are there work unharmed, and once descriptors are free again new
clients are served.
"""

import time

from support import frames
from support.report import Report
from support.server import Server
from support.sp import Address, Connection


def main():
    report = Report("fault 15: no more file descriptors")
    for scheme in ("ipc", "tcp"):
        with Server(endpoints=(scheme,), descriptors=64) as server:
            url = server.urls[0]
            good = Connection(url)
            crowd = []
            for _ in range(100):
                try:
                    crowd.append(Address(url).open(timeout=1))
                except OSError:
                    break
            time.sleep(0.3)
            report.note(
                f"{scheme}: {len(crowd)} connections pressed on, "
                f"{server.descriptor_count()} descriptors of 64 in use")
            alive = all(frames.is_live(good) for _ in range(200))
            report.check(alive, f"{scheme}: the first client's 200 calls are answered meanwhile")
            busy = cpu_seconds(server)
            time.sleep(1)
            spent = cpu_seconds(server) - busy
            report.check(spent < 0.5, f"{scheme}: {spent:.2f} s of processor time in a second")
            for stream in crowd:
                stream.close()
            deadline = time.monotonic() + 10
            answered = False
            while not answered and time.monotonic() < deadline:
                try:
                    answered = frames.is_live(Connection(url, timeout=2))
                except OSError:
                    time.sleep(0.05)
            report.check(answered, f"{scheme}: a new client is served once there is room")
            report.check(server.process.poll() is None, f"{scheme}: the server lives")
    report.finish()


def cpu_seconds(server):
    with open(f"/proc/{server.process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    main()
