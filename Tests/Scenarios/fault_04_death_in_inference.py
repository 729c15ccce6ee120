"""Fault 4: a client dies while its request is being computed.

The work is cancelled or its result dropped within 50 ms, its slot is free again, and a counter
tells of it.
"""

import time

from support import frames
from support.report import Report
from support.server import MODELS, Server
from support.sp import Connection


def main():
    report = Report("fault 4: death in the middle of an inference")
    models = {"identity": MODELS / "identity.onnx", "slow": MODELS / "matmul_chain.onnx"}
    with Server(models=models, endpoints=("ipc", "tcp")) as server:
        for url in server.urls:
            scheme = url.partition(":")[0]
            client = Connection(url)
            start = time.monotonic()
            frames.parse(client.call(frames.infer_slow()))
            full = time.monotonic() - start
            report.note(f"{scheme}: the model takes {full * 1000:.0f} ms")
            before = server.statistics()
            client.send(frames.infer_slow())
            time.sleep(full / 4)
            running = server.statistics()["inferencesInFlight"]
            report.check(running == 1, f"{scheme}: {running} request in flight before the death")
            client.close()
            died = time.monotonic()
            server.wait_until(
                lambda: server.statistics()["inferencesInFlight"] == 0, 10, "the slot is not free",
                interval=0.002)
            freed = (time.monotonic() - died) * 1000
            report.check(freed < 50, f"{scheme}: slot free {freed:.0f} ms later")
            after = server.statistics()
            report.check(
                after["inferencesWithdrawn"] == before["inferencesWithdrawn"] + 1,
                f"{scheme}: inferencesWithdrawn {before['inferencesWithdrawn']} -> "
                f"{after['inferencesWithdrawn']}")
            report.check(frames.is_live(Connection(url)), f"{scheme}: others are answered")
    report.finish()


if __name__ == "__main__":
    main()
