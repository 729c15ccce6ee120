"""Fault 19: clients are closed with calls in flight.

Closing returns in under 100 ms, every call fails at once with a clear error, and the server is free
of their work afterwards.
"""

from support import client, frames
from support.report import Report
from support.server import MODELS, Server
from support.sp import Connection


def main():
    report = Report("fault 19: clients closed with calls in flight")
    models = {"identity": MODELS / "identity.onnx", "slow": MODELS / "matmul_chain.onnx"}
    with Server(models=models, endpoints=("ipc", "tcp")) as server:
        for url in server.urls:
            scheme = url.partition(":")[0]
            result = client.run("close-in-flight", "--endpoint", url)
            report.check(
                result["longestCloseMilliseconds"] < 100,
                f"{scheme}: closing took at most {result['longestCloseMilliseconds']:.1f} ms")
            report.check(
                result["longestFailureMilliseconds"] < 100,
                f"{scheme}: all calls had failed {result['longestFailureMilliseconds']:.1f} ms "
                f"later: {result['message']}")
            report.check(
                set(result["failures"]) == {"UNAVAILABLE"},
                f"{scheme}: failures {result['failures']}, answered {result['answered']}")
            server.wait_until(
                lambda: server.statistics()["inferencesInFlight"] == 0, 10,
                "requests still in flight")
            report.check(frames.is_live(Connection(url)), f"{scheme}: the server answers")
    report.finish()


if __name__ == "__main__":
    main()
