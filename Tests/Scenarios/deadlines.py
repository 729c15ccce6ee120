"""Deadlines: requests whose time is up while the only worker is busy.

Each is answered when its budget is used up, give or take 2 ms, and the model never runs it.
"""

import argparse
import time

from support import frames
from support.report import Report
from support.server import MODELS, Server
from support.sp import Connection

BUDGET = 0.050


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tolerance", type=float, default=2, help="milliseconds; more on a machine that is busy")
    tolerance = parser.parse_args().tolerance
    report = Report("deadlines: 50 ms budgets behind a worker that is busy")
    models = {"identity": MODELS / "identity.onnx", "slow": MODELS / "matmul_chain.onnx"}
    with Server(models=models, endpoints=("ipc", "tcp"), arguments=("--workers", "1")) as server:
        for url in server.urls:
            scheme = url.partition(":")[0]
            blocker = Connection(url, timeout=60)
            before = server.statistics()
            began = time.monotonic()
            blocker.send(frames.infer_slow(side=2 * frames.SLOW_SIDE))
            time.sleep(0.05)
            caller = Connection(url)
            waits = []
            for number in range(10):
                sent = time.monotonic()
                caller.send(frames.infer_identity(
                    128, correlation_id=number + 1, budget_microseconds=int(BUDGET * 1e6)))
                reply = frames.parse(caller.receive()[1])
                waits.append((time.monotonic() - sent) * 1000)
                if reply.status != "DEADLINE_EXCEEDED":
                    report.check(False, f"{scheme}: answered {reply.status}: {reply.message}")
            report.check(
                all(abs(wait - BUDGET * 1000) <= tolerance for wait in waits),
                f"{scheme}: answered after {min(waits):.1f} to {max(waits):.1f} ms")
            late = time.monotonic() - began
            frames.parse(blocker.receive()[1])
            busy = time.monotonic() - began
            report.check(
                late < busy, f"{scheme}: the worker was busy for {busy:.2f} s, all this time")
            after = server.statistics()
            done = after["inferencesCompleted"] - before["inferencesCompleted"]
            report.check(done == 1, f"{scheme}: the models ran {done} of 11 requests")
            expired = after["inferencesExpired"] - before["inferencesExpired"]
            report.check(expired == 10, f"{scheme}: {expired} expired")
            report.check(
                after["inferencesInFlight"] == 0, f"{scheme}: every slot is free again")
    report.finish()


if __name__ == "__main__":
    main()
