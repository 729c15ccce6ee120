"""Matrix products of Tern's kernels beside ONNX Runtime's, on one machine, in turns.

The model that ONNX Runtime runs has several products, so that the call's own cost is spread. They
have equal weights, which it packs once, so that both sides read one packed matrix, from whatever
cache it fits, and both write as many results. What is compared is the median of each turn; the table
shows the median ratio of all turns, its spread, and the load average.

With `--busy 1`, another process keeps one processor busy, and the table shows what two threads are worth
then: against Tern's own single thread, and against ONNX Runtime's two.
"""

import argparse

import environment

environment.enter()

import numpy
from onnx import helper

import runtime_model
from runtime_model import RuntimeModel, bytes_of, uniform
from busy import BusyProcessors, BusyTable
from turns import Table

# What inference really runs; those of floats as in `tern kernels bench` without arguments.
SHAPES = {
    "f32": [
        "1x384x384", "1x768x3072", "1x4096x4096", "4x768x768", "8x768x3072", "16x768x768",
        "32x384x1536", "128x384x384", "128x384x1536", "128x1536x384", "128x768x768",
        "128x768x3072", "128x3072x768", "512x768x768", "3136x64x64", "784x512x128",
        "196x1024x256", "196x2304x256", "49x4608x512", "128x784x512", "64x784x512", "16x13x512",
        "128x64x128", "256x256x256", "512x512x512", "1024x1024x1024",
    ],
    "u8s8": ["1x768x3072", "16x768x768", "128x384x1536", "128x768x3072", "512x768x768",
             "1024x1024x1024"],
    "q4": ["1x768x3072", "1x4096x4096", "8x4096x4096", "128x768x3072"],
}
# One run of the model should take long enough to hide the call.
RUN_NANOSECONDS = 400_000
# About what one thread does; only decides how many products a model has.
OPERATIONS_PER_NANOSECOND = {"f32": 100, "u8s8": 400, "q4": 150}


def product_count(kind, m, k, n):
    count = round(RUN_NANOSECONDS * OPERATIONS_PER_NANOSECOND[kind] / (2 * m * k * n))
    return max(1, min(64, count))


def products(kind, shape, threads):
    """ONNX Runtime's model of a product, and how many there are in it."""
    m, k, n = [int(size) for size in shape.split("x")]
    count = product_count(kind, m, k, n)
    outputs = {f"y{i}": (m, n) for i in range(count)}
    constants = {}
    output_type = numpy.float32
    if kind == "f32":
        value, weight = uniform(m, k), uniform(k, n)
        constants = {f"w{i}": weight for i in range(count)}
        nodes = [helper.make_node("MatMul", ["x", f"w{i}"], [f"y{i}"]) for i in range(count)]
    elif kind == "u8s8":
        value, weight = bytes_of(numpy.uint8, m, k), bytes_of(numpy.int8, k, n)
        output_type = numpy.int32
        constants = {f"w{i}": weight for i in range(count)}
        nodes = [
            helper.make_node("MatMulInteger", ["x", f"w{i}"], [f"y{i}"]) for i in range(count)]
    else:
        # Four bits in blocks of 32, computed in bytes (accuracy level 4).
        value, blocks = uniform(m, k), -(-k // 32)
        weight, scales = bytes_of(numpy.uint8, n, blocks, 16), abs(uniform(n * blocks)) + 0.01
        for i in range(count):
            constants |= {f"w{i}": weight, f"s{i}": scales}
        nodes = [
            helper.make_node(
                "MatMulNBits", ["x", f"w{i}", f"s{i}"], [f"y{i}"], domain="com.microsoft",
                K=k, N=n, bits=4, block_size=32, accuracy_level=4)
            for i in range(count)]
    model = RuntimeModel(
        nodes, constants, value, outputs, threads, optimize=False, share=1 / count,
        output_type=output_type)
    return model, count


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--type", action="append", choices=SHAPES, help="default: all in turn")
    parser.add_argument("--shape", action="append", help="MxKxN; may be given several times")
    parser.add_argument("--threads", type=int, action="append", help="default: 1 and then 2")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--busy", type=int, default=0, metavar="COUNT",
        help="keep this many processors busy meanwhile, and compare two threads with one")
    arguments = parser.parse_args()
    program = environment.tern()
    for kind in arguments.type or SHAPES:
        title = f"{kind} products, ONNX Runtime {runtime_model.VERSION}"
        if arguments.busy:
            beside = f"{title}, beside {arguments.busy} busy"
            table = BusyTable(
                Table(program, beside, 2, arguments.repeats, has_columns=False),
                BusyProcessors(arguments.busy))
            for shape in arguments.shape or SHAPES[kind]:
                model, count = products(kind, shape, 2)
                table.add(
                    shape, model.mean_nanoseconds,
                    ["--type", kind, "--shape", shape, "--results", str(count)])
            table.finish()
            continue
        for threads in arguments.threads or [1, 2]:
            table = Table(program, title, threads, arguments.repeats)
            for shape in arguments.shape or SHAPES[kind]:
                model, count = products(kind, shape, threads)
                table.add(
                    shape, model.nanoseconds,
                    ["--type", kind, "--shape", shape, "--results", str(count)])
            table.finish()


if __name__ == "__main__":
    main()
