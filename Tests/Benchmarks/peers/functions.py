"""Functions of rows of numbers: Tern's kernels beside ONNX Runtime's, on one machine, in turns.

The model that ONNX Runtime runs applies the function several times, one after the other, so that
the call's own cost is spread and the numbers stay in the second cache; Tern applies it once to
numbers that stay there as well.
"""

import argparse

import environment

environment.enter()

from onnx import helper

import runtime_model
from runtime_model import RuntimeModel, uniform
from turns import Table

# What a node of ONNX is called and what attributes it has.
OPERATORS = {
    "exp": ("Exp", {}), "tanh": ("Tanh", {}), "sigmoid": ("Sigmoid", {}), "erf": ("Erf", {}),
    "gelu": ("Gelu", {}), "relu": ("Relu", {}), "neg": ("Neg", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "layernorm": ("LayerNormalization", {"axis": -1, "epsilon": 1e-5}),
}
CASES = [
    "exp:128x768", "tanh:128x768", "sigmoid:128x768", "erf:128x3072", "gelu:128x3072",
    "softmax:1536x128", "layernorm:128x768", "relu:128x3072", "neg:128x768",
]
NODE_COUNT = 12


def chain(case, threads):
    name, sizes = case.split(":")
    rows, columns = [int(size) for size in sizes.split("x")]
    operator, attributes = OPERATORS[name]
    constants = {}
    extra = []
    if name == "layernorm":
        constants = {"scale": uniform(columns), "bias": uniform(columns)}
        extra = ["scale", "bias"]
    values = ["x", *(f"v{i}" for i in range(1, NODE_COUNT)), "y"]
    nodes = [
        helper.make_node(operator, [source, *extra], [target], **attributes)
        for source, target in zip(values, values[1:])]
    return RuntimeModel(
        nodes, constants, uniform(rows, columns), {"y": (rows, columns)}, threads,
        optimize=False, share=1 / NODE_COUNT)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--function", action="append", help="NAME:ROWSxCOLUMNS; several times")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    title = f"functions, ONNX Runtime {runtime_model.VERSION}"
    table = Table(environment.tern(), title, arguments.threads, arguments.repeats)
    for case in arguments.function or CASES:
        model = chain(case, arguments.threads)
        table.add(case, model.nanoseconds, ["--function", case])
    table.finish()


if __name__ == "__main__":
    main()
