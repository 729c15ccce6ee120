"""How long models take to load, and what memory they keep: ONNX Runtime, Tern from ONNX, and Tern from
an artefact, in turns, with a warm page cache.

Each FOLDER holds a model.onnx and a test_data_set_0. A time goes from the file to the first answer, in a
process that has its libraries. Memory is private: what a process has beside pages that others
map too; for the artefact it is that of a second process that loads the same file while the first is
there.

    python3 Tests/Benchmarks/peers/loading.py models/*
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import environment

environment.enter()

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper

import models

RUNTIME = """
import sys, time
import onnxruntime, onnx, numpy
sys.path.insert(0, sys.argv[3])
import pathlib, models
values = models.inputs(pathlib.Path(sys.argv[1]))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
options.log_severity_level = 4
start = time.perf_counter_ns()
session = onnxruntime.InferenceSession(
    sys.argv[1] + "/model.onnx", options, providers=["CPUExecutionProvider"])
made = time.perf_counter_ns()
names = [value.name for value in session.get_inputs()]
session.run(None, dict(zip(names, values)))
print(made - start, time.perf_counter_ns() - start)
"""


def runtime(folder, threads):
    """Nanoseconds until there is a session, and until the first answer."""
    done = subprocess.run(
        [sys.executable, "-c", RUNTIME, str(folder), str(threads),
         str(pathlib.Path(__file__).resolve().parent)],
        check=True, capture_output=True, text=True)
    return [int(number) for number in done.stdout.split()]


def command(program, model, folder, threads, calls):
    return [program, "run", str(model), "--input-dir", str(folder / "test_data_set_0"),
            "--threads", str(threads), "--json", "--repeat", str(calls)]


def tern(program, model, folder, threads):
    """Nanoseconds until the model is loaded, and until the first answer."""
    done = subprocess.run(
        command(program, model, folder, threads, 1), check=True, capture_output=True, text=True)
    times = json.loads(done.stdout)
    load = times["loadNanoseconds"]
    return [load, load + times["firstCallNanoseconds"]]


def private_bytes(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(size) for size in re.findall(r"^Private_\w+: +(\d+)", text, re.M))


def memory(program, model, folder, threads, instances):
    """The private bytes of the last of some processes that have loaded a model and call it."""
    processes = []
    try:
        for _ in range(instances):
            processes.append(subprocess.Popen(
                command(program, model, folder, threads, 1_000_000), stdout=subprocess.DEVNULL))
            # Until it has answered; how much it keeps does not change from then on.
            time.sleep(2)
        return private_bytes(processes[-1].pid)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def floor_folder(parent):
    """A model without weights that takes a while: what a process needs that has loaded nothing."""
    folder = pathlib.Path(parent) / "floor"
    (folder / "test_data_set_0").mkdir(parents=True)
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [256, 256])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "x"], ["y"])], "floor", [value],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [256, 256])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    tensor = numpy_helper.from_array(numpy.ones([256, 256], numpy.float32), "x")
    (folder / "test_data_set_0" / "input_0.pb").write_bytes(tensor.SerializeToString())
    return folder


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7, help="turns")
    arguments = parser.parse_args()
    program = environment.tern()
    print(f"ORT {onnxruntime.__version__}, {arguments.threads} threads, {arguments.repeats} turns, "
          f"load average {environment.load_average()}; milliseconds: median (smallest)")
    print(f"{'':<22}{'ORT session':>16}{'first answer':>16}{'Tern, ONNX':>16}{'artefact':>16}"
          f"{'ORT/artefact':>14}{'weights':>9}{'ONNX':>9}{'2nd artefact':>14} MB")
    with tempfile.TemporaryDirectory() as scratch:
        floor_model = floor_folder(scratch)
        floor = memory(program, floor_model, floor_model, arguments.threads, 2)
        for folder in arguments.folders:
            if (folder / "model.onnx").exists():
                measure(folder, program, arguments, pathlib.Path(scratch) / "model.tern")
        print(f"a process with a model of nothing has {floor / 1e6:.1f} MB of its own, which are "
              f"part of the other figures; load average {environment.load_average()}")


def measure(folder, program, arguments, artefact):
    threads = arguments.threads
    subprocess.run(
        [program, "compile", str(folder), "-o", str(artefact), "--golden",
         str(folder / "test_data_set_0")], check=True, stdout=subprocess.DEVNULL)
    sides = [[], [], [], []]
    for _ in range(arguments.repeats):
        session, answer = runtime(folder, threads)
        sides[0].append(session)
        sides[1].append(answer)
        sides[2].append(tern(program, folder / "model.onnx", folder, threads)[1])
        sides[3].append(tern(program, artefact, folder, threads)[1])
    ratio = statistics.median(a / b for a, b in zip(sides[0], sides[3]))
    weights = sum(
        numpy_helper.to_array(tensor).nbytes
        for tensor in onnx.load(folder / "model.onnx").graph.initializer)
    onnx_bytes = memory(program, folder / "model.onnx", folder, threads, 1)
    second = memory(program, artefact, folder, threads, 2)
    line = f"{folder.name:<22}"
    for side in sides:
        line += f"{statistics.median(side) / 1e6:>8.1f} ({min(side) / 1e6:.1f})".rjust(16)
    print(f"{line}{ratio:>14.1f}{weights / 1e6:>9.1f}{onnx_bytes / 1e6:>9.1f}"
          f"{second / 1e6:>14.1f}", flush=True)


if __name__ == "__main__":
    main()
