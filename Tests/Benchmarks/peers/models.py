"""Whole models: Tern's runtime beside ONNX Runtime and OpenVINO, on one machine, in turns.

Each FOLDER holds a model.onnx and a test_data_set_0 as ONNX's own test cases do. Every side runs the
same inputs again and again; what is compared is the median of a call (and its 99th percentile), the
median over the turns. For models under 200 µs each side's own time for a model that does nothing is
taken off, so that nobody's calling convention counts.

    python3 Tests/Benchmarks/peers/models.py models/* --threads 1
    python3 Tests/Benchmarks/peers/models.py models/* --threads 2 --busy
"""

import argparse
import contextlib
import dataclasses
import glob
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import environment

environment.enter(*(["openvino==2026.4.1"] if "--openvino" in sys.argv else []))

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper

FLOOR_LIMIT = 200e3


@dataclasses.dataclass
class Timed:
    """The median and the 99th percentile of calls, in nanoseconds."""

    p50: float
    p99: float

    @staticmethod
    def calls(call, seconds):
        for _ in range(3):
            call()
        end = time.perf_counter() + seconds / 4
        while time.perf_counter() < end:
            call()
        samples = []
        end = time.perf_counter() + seconds
        while len(samples) < 10 or time.perf_counter() < end:
            start = time.perf_counter_ns()
            call()
            samples.append(time.perf_counter_ns() - start)
        samples.sort()
        return Timed(samples[len(samples) // 2], samples[int(0.99 * len(samples))])


class RuntimePeer:
    """ONNX Runtime with all optimisations; inputs and outputs bound beforehand."""

    name = "ORT"

    def __init__(self, folder, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        names = [value.name for value in self.session.get_inputs()]
        for name, array in zip(names, inputs(folder)):
            self.binding.bind_ortvalue_input(
                name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        for value in self.session.get_outputs():
            self.binding.bind_output(value.name)

    def time(self, seconds):
        run, binding = self.session.run_with_iobinding, self.binding
        return Timed.calls(lambda: run(binding), seconds)


class OpenVINOPeer:
    """OpenVINO's CPU plugin for latency, with an inference request that keeps its tensors."""

    name = "OpenVINO"

    def __init__(self, folder, threads):
        import openvino

        core = openvino.Core()
        settings = {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "f32"}
        model = core.read_model(str(folder / "model.onnx"))
        values = inputs(folder)
        model.reshape({
            port.any_name: list(value.shape) for port, value in zip(model.inputs, values)})
        self.request = core.compile_model(model, "CPU", settings).create_infer_request()
        for index, value in enumerate(values):
            self.request.set_input_tensor(index, openvino.Tensor(value))

    def time(self, seconds):
        return Timed.calls(self.request.infer, seconds)


class Tern:
    """`tern run --repeat`."""

    name = "Tern"

    def __init__(self, program, folder, threads):
        self.command = [
            program, "run", str(folder), "--input-dir", str(folder / "test_data_set_0"),
            "--threads", str(threads), "--json"]
        # How long a call takes, to know how many fill a turn.
        self.nanoseconds = self.run(3).p50

    def run(self, calls):
        done = subprocess.run(
            [*self.command, "--repeat", str(calls)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip().splitlines()[0])
        times = json.loads(done.stdout)
        return Timed(times["p50Nanoseconds"], times["p99Nanoseconds"])

    def time(self, seconds):
        calls = int(seconds * 1e9 / max(self.nanoseconds, 1))
        timed = self.run(max(10, min(100_000, calls)))
        self.nanoseconds = timed.p50
        return timed


def inputs(folder):
    values = []
    for index in range(len(glob.glob(str(folder / "test_data_set_0" / "input_*.pb")))):
        tensor = onnx.TensorProto()
        path = folder / "test_data_set_0" / f"input_{index}.pb"
        tensor.ParseFromString(path.read_bytes())
        values.append(numpy.ascontiguousarray(numpy_helper.to_array(tensor)))
    return values


def identity_folder(parent):
    """A model that hands its input on, for what a call costs by itself."""
    folder = pathlib.Path(parent) / "identity"
    (folder / "test_data_set_0").mkdir(parents=True)
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "identity", [value],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 4])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    tensor = numpy_helper.from_array(numpy.ones([1, 4], numpy.float32), "x")
    (folder / "test_data_set_0" / "input_0.pb").write_bytes(tensor.SerializeToString())
    return folder


class Busy:
    """Another process that keeps the last processor busy."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        os.sched_setaffinity(self.process.pid, [max(os.sched_getaffinity(0))])

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def compare(folder, arguments, program, peers, floors):
    """Runs all sides in turns; the ratios of each peer to Tern."""
    tern = Tern(program, folder, arguments.threads)
    sides = []
    for peer in peers:
        try:
            sides.append(peer(folder, arguments.threads))
        except Exception as error:
            print(f"  {peer.name}: {str(error).splitlines()[0][:120]}")
    turns = {peer.name: [] for peer in peers}
    times = {name: [] for name in [*turns, tern.name]}

    def net(name, nanoseconds):
        small = nanoseconds < FLOOR_LIMIT
        return max(nanoseconds - (floors.get(name, 0) if small else 0), 50)

    for _ in range(arguments.repeats):
        mine = tern.time(arguments.seconds)
        times[tern.name].append(mine)
        for side in sides:
            # A peer's threads spin for a while when their work is done.
            time.sleep(0.1)
            other = side.time(arguments.seconds)
            times[side.name].append(other)
            turns[side.name].append((
                net(side.name, other.p50) / net(tern.name, mine.p50), other.p99 / mine.p99))
    return times, turns


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--busy", action="store_true", help="keep one processor busy meanwhile")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--seconds", type=float, default=0.4, help="of each side in each turn")
    parser.add_argument("--openvino", action="store_true", help="compare with OpenVINO as well")
    arguments = parser.parse_args()
    program = environment.tern()
    peers = [RuntimePeer] + ([OpenVINOPeer] if arguments.openvino else [])
    busy = ", one processor busy" if arguments.busy else ""
    print(f"ORT {onnxruntime.__version__}, {arguments.threads} threads{busy}, "
          f"{arguments.repeats} turns, load average {environment.load_average()}")
    head = "".join(f"{peer.name + ' µs':>12}{'ratio (spread)':>20}{'p99':>7}" for peer in peers)
    print(f"{'':<26}{'Tern µs':>11}{head}")
    ratios = {peer.name: [] for peer in peers}
    missing = []
    with tempfile.TemporaryDirectory() as scratch, \
            Busy() if arguments.busy else contextlib.nullcontext():
        identity = identity_folder(scratch)
        floors = {"Tern": Tern(program, identity, arguments.threads).time(0.2).p50}
        for peer in peers:
            floors[peer.name] = peer(identity, arguments.threads).time(0.2).p50
        for folder in arguments.folders:
            if not (folder / "model.onnx").exists():
                continue
            try:
                times, turns = compare(folder, arguments, program, peers, floors)
            except RuntimeError as error:
                print(f"{folder.name:<26}not run: {str(error)[:140]}", flush=True)
                missing.append(folder.name)
                continue
            middle = statistics.median(timed.p50 for timed in times["Tern"])
            line = f"{folder.name:<26}{middle / 1000:>11.1f}"
            for peer in peers:
                if not turns[peer.name]:
                    line += f"{'':>12}{'does not run':>20}{'':>7}"
                    continue
                middle = statistics.median(timed.p50 for timed in times[peer.name])
                p50 = [turn[0] for turn in turns[peer.name]]
                p99 = statistics.median(turn[1] for turn in turns[peer.name])
                ratio = statistics.median(p50)
                ratios[peer.name].append((ratio, folder.name))
                spread = f"{ratio:.2f} ({min(p50):.2f}–{max(p50):.2f})"
                line += f"{middle / 1000:>12.1f}{spread:>20}{p99:>7.2f}"
            print(line, flush=True)
    for name, found in ratios.items():
        if not found:
            continue
        mean = math.exp(statistics.fmean(math.log(ratio) for ratio, _ in found))
        lowest, where = min(found)
        print(f"{name}/Tern: geometric mean {mean:.3f} over {len(found)} models, lowest "
              f"{lowest:.2f} at {where}; load average {environment.load_average()}")
    if missing:
        print(f"not run: {', '.join(missing)}")


if __name__ == "__main__":
    main()
