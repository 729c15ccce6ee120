"""Runs the Swift side of a scenario: a program that calls the server through TernClient."""

import json
import os
import subprocess

from support.server import ROOT


def program():
    """The scenario client: $TERN_SCENARIO_CLIENT, or what `swift build` left in this package."""
    if os.environ.get("TERN_SCENARIO_CLIENT"):
        return os.environ["TERN_SCENARIO_CLIENT"]
    for configuration in ("release", "debug"):
        path = ROOT / "Tests" / "Scenarios" / ".build" / configuration / "ScenarioClient"
        if path.exists():
            return str(path)
    raise SystemExit(
        "no scenario client: run `swift build -c release --package-path Tests/Scenarios` first")


def run(*arguments, timeout=600):
    """Runs it to its end and returns its report."""
    result = subprocess.run(
        [program(), *map(str, arguments)], stdout=subprocess.PIPE, timeout=timeout, check=True)
    return json.loads(result.stdout)


class Running:
    """A client that goes on until it is told to end."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [program(), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def end(self, timeout=60):
        output, _ = self.process.communicate(b"end\n", timeout)
        return json.loads(output)
