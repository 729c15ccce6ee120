"""64 tasks on one client make 100 000 calls: every request gets exactly one, right answer."""

import argparse

from support import client
from support.report import Report
from support.server import Server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--tasks", type=int, default=64)
    arguments = parser.parse_args()
    report = Report(f"storm: {arguments.requests} calls from {arguments.tasks} tasks")
    with Server(endpoints=("ipc", "tcp")) as server:
        for url in server.urls:
            scheme = url.partition(":")[0]
            before = server.statistics()
            result = client.run(
                "storm", "--endpoint", url, "--requests", arguments.requests,
                "--tasks", arguments.tasks)
            after = server.statistics()
            rate = arguments.requests / result["seconds"]
            report.check(
                result["right"] == arguments.requests and not result["failures"],
                f"{scheme}: {result['right']} right, {result['wrong']} wrong, "
                f"failures {result['failures']}; {rate:.0f} a second")
            # One more request than calls of the model: connecting asks whether the server lives.
            handled = after["repliesSent"] - before["repliesSent"]
            report.check(
                handled == arguments.requests + 1,
                f"{scheme}: the server sent {handled} replies")
    report.finish()


if __name__ == "__main__":
    main()
