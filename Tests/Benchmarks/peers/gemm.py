"""Matrix products of Tern's kernels beside ONNX Runtime's, on one machine, in turns.

The model that ONNX Runtime runs has several products, so that the call's own cost is spread. They
have equal weights, which it packs once, so that both sides read one packed matrix, from whatever
cache it fits, and both write as many results. What is compared is the median of each turn; the table
shows the median ratio of all turns, its spread, and the load average.
"""

import argparse

import environment

environment.enter()

from onnx import helper

import runtime_model
from runtime_model import RuntimeModel, uniform
from turns import Table

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
# About what one thread does; only decides how many products a model has.
OPERATIONS_PER_NANOSECOND = 100


def float_products(shape, threads):
    """ONNX Runtime's model of a product, and how many there are in it."""
    m, k, n = [int(size) for size in shape.split("x")]
    count = round(RUN_NANOSECONDS * OPERATIONS_PER_NANOSECOND / (2 * m * k * n))
    count = max(1, min(64, count))
    weight = uniform(k, n)
    nodes = [helper.make_node("MatMul", ["x", f"w{i}"], [f"y{i}"]) for i in range(count)]
    model = RuntimeModel(
        nodes, {f"w{i}": weight for i in range(count)}, uniform(m, k),
        {f"y{i}": (m, n) for i in range(count)}, threads, optimize=False, share=1 / count)
    return model, count


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", help="MxKxN; may be given several times")
    parser.add_argument("--threads", type=int, action="append", help="default: 1 and then 2")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    program = environment.tern()
    for threads in arguments.threads or [1, 2]:
        title = f"f32 products, ONNX Runtime {runtime_model.VERSION}"
        table = Table(program, title, threads, arguments.repeats)
        for shape in arguments.shape or SHAPES:
            model, count = float_products(shape, threads)
            table.add(shape, model.nanoseconds, ["--shape", shape, "--results", str(count)])
        table.finish()


if __name__ == "__main__":
    main()
