"""Matrix products of Tern's kernels beside ONNX Runtime's, on one machine, in turns.

The model that ONNX Runtime runs has several products, so that the call's own cost is spread. They
have equal weights, which it packs once, so that both sides read one packed matrix, from whatever
cache it fits, and both write as many results. What is compared is the median of each turn; the table
shows the median ratio of all turns, its spread, and the load average.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time

import environment

environment.enter()

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

# What inference really runs; the same as `tern kernels bench` without arguments.
SHAPES = [
    "1x384x384", "1x768x3072", "1x4096x4096", "4x768x768", "8x768x3072", "16x768x768",
    "32x384x1536", "128x384x384", "128x384x1536", "128x1536x384", "128x768x768", "128x768x3072",
    "128x3072x768", "512x768x768", "3136x64x64", "784x512x128", "196x1024x256", "196x2304x256",
    "49x4608x512", "128x784x512", "64x784x512", "16x13x512", "128x64x128", "256x256x256",
    "512x512x512", "1024x1024x1024",
]
# One run of the model should take long enough to hide the call.
RUN_NANOSECONDS = 400_000
# About what one thread does; only decides how many copies there are.
OPERATIONS_PER_NANOSECOND = 100


def sizes(shape):
    return [int(size) for size in shape.split("x")]


def copy_count(shape):
    m, k, n = sizes(shape)
    return max(1, min(64, round(RUN_NANOSECONDS * OPERATIONS_PER_NANOSECOND / (2 * m * k * n))))


class RuntimeProduct:
    """A model of several products with constant weights, in ONNX Runtime."""

    def __init__(self, shape, threads):
        m, k, n = sizes(shape)
        self.copies = copy_count(shape)
        random = numpy.random.default_rng(1)
        weight = random.uniform(-1, 1, (k, n)).astype(numpy.float32)
        nodes, outputs, weights = [], [], []
        for copy in range(self.copies):
            weights.append(numpy_helper.from_array(weight, f"w{copy}"))
            nodes.append(helper.make_node("MatMul", ["x", f"w{copy}"], [f"y{copy}"]))
            outputs.append(helper.make_tensor_value_info(f"y{copy}", TensorProto.FLOAT, [m, n]))
        graph = helper.make_graph(
            nodes, "products", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [m, k])],
            outputs, weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.input = onnxruntime.OrtValue.ortvalue_from_numpy(
            random.uniform(-1, 1, (m, k)).astype(numpy.float32))
        self.binding.bind_ortvalue_input("x", self.input)
        self.outputs = []
        for copy in range(self.copies):
            output = onnxruntime.OrtValue.ortvalue_from_numpy(
                numpy.zeros((m, n), numpy.float32))
            self.binding.bind_ortvalue_output(f"y{copy}", output)
            self.outputs.append(output)

    def nanoseconds(self, seconds):
        """The median time of one product."""
        run = self.session.run_with_iobinding
        for _ in range(2):
            run(self.binding)
        samples = []
        end = time.perf_counter() + seconds
        while len(samples) < 5 or time.perf_counter() < end:
            start = time.perf_counter_ns()
            run(self.binding)
            samples.append(time.perf_counter_ns() - start)
        return statistics.median(samples) / self.copies


def tern_line(program, shape, threads):
    done = subprocess.run(
        [program, "kernels", "bench", "--shape", shape, "--threads", str(threads), "--samples", "21",
         "--results", str(copy_count(shape)), "--json"],
        check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", help="MxKxN; may be given several times")
    parser.add_argument("--threads", type=int, action="append", help="default: 1 and then 2")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    program = environment.tern()
    shapes = arguments.shape or SHAPES
    for threads in arguments.threads or [1, 2]:
        print(f"f32, {threads} thread{'s' if threads > 1 else ''}, ONNX Runtime "
              f"{onnxruntime.__version__}, {arguments.repeats} turns, load average "
              f"{environment.load_average()}")
        print(f"{'shape':<16}{'ORT µs':>10}{'Tern µs':>10}  {'ORT/Tern (spread)':<22}"
              f"{'GFLOP/s':>8}{'of peak':>9}{'GB/s':>7}")
        ratios, worst = [], (math.inf, "")
        for shape in shapes:
            peer = RuntimeProduct(shape, threads)
            turns, peers, lines = [], [], []
            for _ in range(arguments.repeats):
                peers.append(peer.nanoseconds(0.1))
                lines.append(tern_line(program, shape, threads))
                turns.append(peers[-1] / lines[-1]["medianNanoseconds"])
            ratio = statistics.median(turns)
            ours = statistics.median(line["medianNanoseconds"] for line in lines)
            m, k, n = sizes(shape)
            rate = 2 * m * k * n / ours
            peak = statistics.median(line["peakGigaoperationsPerSecond"] for line in lines)
            spread = f"{ratio:.2f} ({min(turns):.2f}–{max(turns):.2f})"
            print(f"{shape:<16}{statistics.median(peers) / 1000:>10.2f}{ours / 1000:>10.2f}  "
                  f"{spread:<22}{rate:>8.1f}{100 * rate / peak:>7.1f} %{4 * k * n / ours:>7.1f}",
                  flush=True)
            ratios.append(ratio)
            worst = min(worst, (ratio, shape))
        mean = math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))
        print(f"geometric mean {mean:.3f}, lowest {worst[0]:.2f} at {worst[1]}; "
              f"load average {environment.load_average()}\n")


if __name__ == "__main__":
    main()
