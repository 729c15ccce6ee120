"""Fault 11: the server is killed and started again, 100 times, under load.

One client, never replaced: calls fail with a clear `UNAVAILABLE` within their deadline, and succeed
again within a second of each restart.
"""

import argparse
import time

from support import client, frames
from support.report import Report
from support.server import Server
from support.sp import Connection


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="restarts")
    count = parser.parse_args().count
    report = Report(f"fault 11: {count} restarts under load")
    server = Server(endpoints=("ipc", "tcp"))
    urls = list(server.urls)
    try:
        clients = [client.Running("steady", "--endpoint", url, "--tasks", 8) for url in urls]
        time.sleep(1)
        for index in range(count):
            # Every other end is orderly, so that both kinds are met.
            if index % 2:
                server.process.kill()
                server.process.wait()
            else:
                server.terminate()
            server.close()
            server = Server(endpoints=urls)
            time.sleep(0.1)
        report.check(frames.is_live(Connection(urls[0])), "the last server answers")
        time.sleep(1)
        for url, running in zip(urls, clients):
            scheme = url.partition(":")[0]
            result = running.end()
            report.note(f"{scheme}: {result['right']} answers, failures {result['failures']}")
            for code, message in result["messages"].items():
                report.note(f"{scheme}: {code}: {message}")
            report.check(result["wrong"] == 0, f"{scheme}: no wrong answer")
            report.check(result["right"] > 100, f"{scheme}: it was answered throughout")
            # A call that still ran when its server was killed may use up its time; no other may.
            report.check(
                set(result["failures"]) <= {"UNAVAILABLE"},
                f"{scheme}: every failure is UNAVAILABLE")
            report.check(
                result["longestCallMilliseconds"] < 1100,
                f"{scheme}: no call outlives its deadline of 1000 ms: "
                f"{result['longestCallMilliseconds']:.0f} ms")
            report.check(
                result["longestGapMilliseconds"] < 1000 + server.start_milliseconds,
                f"{scheme}: the longest time without an answer was "
                f"{result['longestGapMilliseconds']:.0f} ms, a start takes "
                f"{server.start_milliseconds:.0f} ms")
    finally:
        server.close()
    report.finish()


if __name__ == "__main__":
    main()
