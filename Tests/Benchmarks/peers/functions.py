"""Functions of rows of numbers: Tern's kernels beside ONNX Runtime's, on one machine, in turns.

The model that ONNX Runtime runs applies the function twelve times, one after the other, so that the
call's own cost is spread; its memory plan lets all but the first and the last work in place. `tern
kernels bench` does the same.
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
    "gelu": ("Gelu", {}), "relu": ("Relu", {}), "neg": ("Neg", {}), "log": ("Log", {}),
    "softmax": ("Softmax", {"axis": -1}), "logsoftmax": ("LogSoftmax", {"axis": -1}),
    "layernorm": ("LayerNormalization", {"axis": -1, "epsilon": 1e-5}),
    "rmsnorm": ("SimplifiedLayerNormalization", {"axis": -1, "epsilon": 1e-5}),
    "instancenorm": ("InstanceNormalization", {"epsilon": 1e-5}),
    "batchnorm": ("BatchNormalization", {"epsilon": 1e-5}),
    "add": ("Add", {}), "addrow": ("Add", {}), "addcolumn": ("Add", {}),
}
# What a node takes beside its argument, by rows and columns.
OPERANDS = {
    "layernorm": lambda rows, columns: [uniform(columns), uniform(columns)],
    "rmsnorm": lambda rows, columns: [uniform(columns)],
    "instancenorm": lambda rows, columns: [uniform(rows), uniform(rows)],
    "batchnorm": lambda rows, columns: [
        uniform(rows), uniform(rows), uniform(rows), abs(uniform(rows))],
    "add": lambda rows, columns: [uniform(rows, columns)],
    "addrow": lambda rows, columns: [uniform(1, columns)],
    "addcolumn": lambda rows, columns: [uniform(rows, 1)],
}
# Whose rows are the channels of one image.
OF_CHANNELS = ("instancenorm", "batchnorm")
CASES = [
    "exp:128x768", "tanh:128x768", "sigmoid:128x768", "erf:128x3072", "gelu:128x3072",
    "softmax:1536x128", "layernorm:128x768", "relu:128x3072", "neg:128x768", "log:128x768",
    "logsoftmax:128x1024", "rmsnorm:128x768", "instancenorm:64x3136", "batchnorm:64x3136",
    "add:128x768", "addrow:128x768", "addcolumn:128x768",
]
NODE_COUNT = 12


def chain(case, threads):
    name, sizes = case.split(":")
    rows, columns = [int(size) for size in sizes.split("x")]
    operator, attributes = OPERATORS[name]
    operands = OPERANDS[name](rows, columns) if name in OPERANDS else []
    constants = {f"c{i}": operand for i, operand in enumerate(operands)}
    shape = (1, rows, columns) if name in OF_CHANNELS else (rows, columns)
    values = ["x", *(f"v{i}" for i in range(1, NODE_COUNT)), "y"]
    nodes = [
        helper.make_node(operator, [source, *constants], [target], **attributes)
        for source, target in zip(values, values[1:])]
    return RuntimeModel(
        nodes, constants, uniform(*shape), {"y": shape}, threads, optimize=False,
        share=1 / NODE_COUNT)


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
