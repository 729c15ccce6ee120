"""Runs ONNX's backend test cases through `tern verify`, and prints passes by operator.

Fails if fewer cases pass than must, if a case fails that `known-failures.txt` does not list, or if one
passes that it does.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

import onnx

from export_cases import export

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# One process verifies them all in seconds; what takes this long has stopped.
TIMEOUT_SECONDS = 300


def arguments():
    parser = argparse.ArgumentParser(
        prog="Tests/Conformance/run",
        description="Runs ONNX's backend test cases through `tern verify`.",
    )
    parser.add_argument(
        "cases", nargs="*", metavar="KIND/NAME",
        help="cases, with * for any text; the names in open-cases.txt if left out")
    parser.add_argument(
        "--at-least", type=int, default=None, metavar="N",
        help="how many must pass (905 of open-cases.txt)")
    parser.add_argument("--seed", type=int, default=0, help="another seed for the inputs' numbers")
    parser.add_argument("--verbose", action="store_true", help="print why each case fails")
    return parser.parse_args()


def lines_of(name):
    text = (HERE / name).read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def known_failures():
    """The reason for each case that is known to fail."""
    return dict(line.split(maxsplit=1) for line in lines_of("known-failures.txt"))


def chosen(patterns, folder):
    if not patterns:
        return lines_of("open-cases.txt")
    names = sorted(
        str(path.parent.relative_to(folder))
        for pattern in patterns for path in folder.glob(f"{pattern}/model.onnx"))
    if not names:
        sys.exit(f"no case is called {' or '.join(patterns)}")
    return names


def tern():
    return str(pathlib.Path(os.environ.get("TERN") or ROOT / ".build/release/tern").absolute())


def verify(names, folder):
    """What became of each case: `None` if it passed, else the reason."""
    outcomes = {}
    rest = list(names)
    while rest:
        reports, ending = run_verify(rest, folder)
        for name, report in zip(rest, reports):
            outcomes[name] = None if report["passed"] else report["reason"]
        rest = rest[len(reports):]
        if rest:
            # The process ended in the middle of a case; the others are still to be run.
            outcomes[rest[0]] = ending
            rest = rest[1:]
    return outcomes


def run_verify(names, folder):
    command = [tern(), "verify", "--json", *names]
    try:
        process = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        output, ending = process.stdout, f"ended tern with {process.returncode}"
        if process.returncode not in (0, 1) and not output:
            print(process.stderr, file=sys.stderr)
    except subprocess.TimeoutExpired as timeout:
        output = (timeout.stdout or b"").decode()
        ending = f"took longer than {TIMEOUT_SECONDS} s"
    except FileNotFoundError:
        sys.exit(f"{tern()} is not there: swift build -c release --product tern")
    return [json.loads(line) for line in output.splitlines()], ending


def operator_of(name, folder):
    """The operator that a case is about: of its only node, or of the case it was expanded from."""
    plain = re.sub(r"_expanded(_ver\d+)?$", "", name)
    path = folder / plain / "model.onnx"
    graph = onnx.load(path if path.exists() else folder / name / "model.onnx").graph
    operators = [node.op_type for node in graph.node if node.op_type != "Constant"]
    return operators[0] if operators else "Constant"


def print_by_operator(outcomes, folder):
    passed, total = collections.Counter(), collections.Counter()
    for name, reason in outcomes.items():
        operator = operator_of(name, folder)
        total[operator] += 1
        passed[operator] += reason is None
    width = max(map(len, total), default=0)
    for operator in sorted(total):
        mark = "" if passed[operator] == total[operator] else "  <-"
        print(f"{operator:{width}} {passed[operator]:4} of {total[operator]:4}{mark}")


def main():
    options = arguments()
    folder = ROOT / ".cache" / "conformance" / f"cases-{onnx.__version__}-{options.seed}"
    export(folder, options.seed)
    names = chosen(options.cases, folder)
    required = options.at_least
    if required is None:
        required = 0 if options.cases else 905
    known = known_failures()
    outcomes = verify(names, folder)
    print_by_operator(outcomes, folder)
    passed = sum(reason is None for reason in outcomes.values())
    good = True
    for name, reason in outcomes.items():
        if reason is None and name in known:
            print(f"passes, take it out of known-failures.txt: {name}")
            good = False
        if reason is not None and (options.verbose or name not in known):
            print(f"FAIL {name}: {reason}")
            good = good and name in known
    print(f"{passed} of {len(outcomes)} cases pass, {required} must")
    sys.exit(0 if good and passed >= required else 1)


main()
