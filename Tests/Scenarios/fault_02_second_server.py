"""Fault 2: a second server is started on the ipc path of a live one.

The second is refused and says so; the first one answers as before. After the first one was killed
without a chance to clean up, its path can be taken over at once.
"""

import subprocess

from support import frames
from support.report import Report
from support.server import Server, program
from support.sp import Connection


def main():
    report = Report("fault 2: a second server on the same ipc path")
    with Server(endpoints=("ipc",)) as first:
        url = first.urls[0]
        connection = Connection(url)
        report.check(frames.is_live(connection), "the first server answers")
        second = subprocess.run(
            [program(), "serve", "--models", str(first.folder / "models"), "--endpoint", url],
            capture_output=True, timeout=60)
        message = second.stderr.decode(errors="replace").strip().splitlines()
        report.check(second.returncode != 0, f"the second exits with {second.returncode}")
        report.check(
            any("tern.sock" in line for line in message), f"and names the path: {message[-1:]}")
        report.check(frames.is_live(connection), "the first still answers on its old connection")
        report.check(frames.is_live(Connection(url)), "and on a new one")
        first.process.kill()
        first.process.wait()
        with Server(endpoints=(url,)) as third:
            report.check(
                frames.is_live(Connection(third.urls[0])),
                "the path of a killed server is taken over")
    report.finish()


if __name__ == "__main__":
    main()
