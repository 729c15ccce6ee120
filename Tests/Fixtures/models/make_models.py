"""Makes the small ONNX models and tensors that the tests read.

Each model shows one thing that real files do. ../training/run.sh runs this in the environment it
makes.

    make_models.py FOLDER
"""

import pathlib
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
folder = pathlib.Path(sys.argv[1])


def tensor_input(name, type, shape):
    return helper.make_tensor_value_info(name, type, shape)


def save(name, nodes, inputs, outputs, initializers=(), *, opset=17, ir=8, check=True, opsets=None):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    imports = opsets or [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=ir, producer_name="tern")
    if check:
        onnx.checker.check_model(model, full_check=True)
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


# What the server's tests serve: any FP32 matrix, answered as it came.
save(
    "identity",
    [helper.make_node("Identity", ["x"], ["y"], "copy")],
    [tensor_input("x", FLOAT, ["batch", "width"])],
    [tensor_input("y", FLOAT, ["batch", "width"])],
)

# A bit of everything that a small classifier has.
rng = np.random.default_rng(7)
save(
    "small_cnn",
    [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], "conv", kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "v", "a"], ["y"], "dense", transB=1),
    ],
    [tensor_input("x", FLOAT, ["batch", 2, 6, 6])],
    [tensor_input("y", FLOAT, ["batch", 3])],
    [
        numpy_helper.from_array(rng.standard_normal((4, 2, 3, 3)).astype(np.float32), "w"),
        numpy_helper.from_array(rng.standard_normal(4).astype(np.float32), "b"),
        numpy_helper.from_array(rng.standard_normal((3, 4)).astype(np.float32), "v"),
        numpy_helper.from_array(rng.standard_normal(3).astype(np.float32), "a"),
    ],
)

# How exporters flatten: the batch is read from the shape, and -1 stands for the rest.
save(
    "shape_arithmetic",
    [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["batch"], axis=0),
        helper.make_node("Unsqueeze", ["batch", "axis"], ["first"]),
        helper.make_node("Concat", ["first", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ],
    [tensor_input("x", FLOAT, ["batch", 2, 3])],
    [tensor_input("y", FLOAT, ["batch", 6])],
    [
        numpy_helper.from_array(np.array(0, np.int64), "zero"),
        numpy_helper.from_array(np.array([0], np.int64), "axis"),
        numpy_helper.from_array(np.array([-1], np.int64), "rest"),
    ],
)

# The first versions of the format list initializers as inputs too.
save(
    "initializers_as_inputs",
    [helper.make_node("Add", ["x", "w"], ["y"])],
    [tensor_input("x", FLOAT, [2]), tensor_input("w", FLOAT, [2])],
    [tensor_input("y", FLOAT, [2])],
    [numpy_helper.from_array(np.array([1, 2], np.float32), "w")],
    opset=8,
    ir=3,
)

# Optional inputs that are left out, nodes without a name, two with the same, Constant nodes.
save(
    "odd_nodes",
    [
        helper.make_node("Constant", [], ["six"], value_float=6.0),
        helper.make_node("Clip", ["x", "", "six"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"], "same"),
        helper.make_node("Relu", ["r"], ["y"], "same"),
    ],
    [tensor_input("x", FLOAT, ["?", None])],
    [tensor_input("y", FLOAT, None)],
    check=False,
)

# Branches that read values of the graph around them, one of them two graphs further out.
def inner(name, value):
    return helper.make_graph(
        [helper.make_node("Add", ["x", value], [f"{name}_y"], f"{name}_add")],
        name,
        [],
        [tensor_input(f"{name}_y", FLOAT, ["n"])],
    )


nested = helper.make_graph(
    [
        helper.make_node(
            "If",
            ["second"],
            ["nested_y"],
            "inner_choice",
            then_branch=inner("inner_then", "one"),
            else_branch=inner("inner_else", "doubled"),
        )
    ],
    "nested",
    [],
    [tensor_input("nested_y", FLOAT, ["n"])],
)
save(
    "subgraphs",
    [
        helper.make_node("Add", ["x", "x"], ["doubled"], "double"),
        helper.make_node(
            "If", ["first"], ["y"], "choice", then_branch=nested, else_branch=inner("otherwise", "one")
        ),
    ],
    [tensor_input("x", FLOAT, ["n"]), tensor_input("first", BOOL, []), tensor_input("second", BOOL, [])],
    [tensor_input("y", FLOAT, ["n"])],
    [numpy_helper.from_array(np.array([1], np.float32), "one")],
)

# A list of dictionaries, as classifiers from scikit-learn end; callers get the scores.
save(
    "zipmap",
    [
        helper.make_node("Softmax", ["x"], ["scores"], "softmax"),
        helper.make_node(
            "ZipMap", ["scores"], ["dictionaries"], domain="ai.onnx.ml", classlabels_int64s=[3, 5]
        ),
    ],
    [tensor_input("x", FLOAT, ["n", 2])],
    [
        helper.make_value_info(
            "dictionaries",
            helper.make_sequence_type_proto(
                helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, []))
            ),
        )
    ],
    opsets=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)],
)

# Operators that nothing can run, one of them in a subgraph.
save(
    "unsupported",
    [
        helper.make_node("Relu", ["x"], ["r"], "fine"),
        helper.make_node("Frobnicate", ["r"], ["s"], "first", domain="com.example"),
        helper.make_node("Waveguide", ["s"], ["y"]),
    ],
    [tensor_input("x", FLOAT, ["n"])],
    [tensor_input("y", FLOAT, ["n"])],
    opsets=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 2)],
    check=False,
)

# Nodes in an order in which they cannot run, and nodes for which there is none.
save(
    "unsorted",
    [helper.make_node("Neg", ["m"], ["y"], "last"), helper.make_node("Relu", ["x"], ["m"], "first")],
    [tensor_input("x", FLOAT, ["n"])],
    [tensor_input("y", FLOAT, ["n"])],
    check=False,
)
save(
    "cyclic",
    [helper.make_node("Add", ["x", "b"], ["a"], "one"), helper.make_node("Neg", ["a"], ["b"], "two")],
    [tensor_input("x", FLOAT, ["n"])],
    [tensor_input("b", FLOAT, ["n"])],
    check=False,
)
save(
    "undefined_names",
    [helper.make_node("Add", ["x", "nowhere"], ["a"], "sum"), helper.make_node("Neg", ["gone"], ["b"])],
    [tensor_input("x", FLOAT, ["n"])],
    [tensor_input("b", FLOAT, ["n"]), tensor_input("missing", FLOAT, ["n"])],
    check=False,
)

# The same values of every type, in raw_data and in the typed fields; rank 0 and no elements.
NUMBERS = {
    "fp32": (TensorProto.FLOAT, np.float32, [-1.5, 0.25, 3e38]),
    "fp64": (TensorProto.DOUBLE, np.float64, [-1.5, 0.25, 1e300]),
    "fp16": (TensorProto.FLOAT16, np.float16, [-1.5, 0.25, 65504]),
    "bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16, [-1.5, 0.25, 3e38]),
    "int8": (TensorProto.INT8, np.int8, [-128, 0, 127]),
    "int16": (TensorProto.INT16, np.int16, [-32768, 0, 32767]),
    "int32": (TensorProto.INT32, np.int32, [-(2**31), 0, 2**31 - 1]),
    "int64": (TensorProto.INT64, np.int64, [-(2**63), 0, 2**63 - 1]),
    "uint8": (TensorProto.UINT8, np.uint8, [0, 128, 255]),
    "uint16": (TensorProto.UINT16, np.uint16, [0, 32768, 65535]),
    "uint32": (TensorProto.UINT32, np.uint32, [0, 2**31, 2**32 - 1]),
    "uint64": (TensorProto.UINT64, np.uint64, [0, 2**63, 2**64 - 1]),
    "bool": (TensorProto.BOOL, np.bool_, [False, True, True]),
}
initializers, outputs = [], []
for name, (onnx_type, numpy_type, values) in NUMBERS.items():
    array = np.array(values, numpy_type)
    raw = helper.make_tensor(f"{name}_raw", onnx_type, [3], array.tobytes(), raw=True)
    typed = helper.make_tensor(f"{name}_typed", onnx_type, [3, 1], array)
    assert not typed.raw_data
    initializers += [raw, typed]
    outputs += [tensor_input(raw.name, onnx_type, [3]), tensor_input(typed.name, onnx_type, [3, 1])]
texts = ["", "zwei", "日本"]
initializers.append(helper.make_tensor("bytes_typed", TensorProto.STRING, [3], texts))
outputs.append(tensor_input("bytes_typed", TensorProto.STRING, [3]))
initializers.append(helper.make_tensor("scalar", FLOAT, [], [42]))
outputs.append(tensor_input("scalar", FLOAT, []))
initializers.append(helper.make_tensor("empty", FLOAT, [0, 4], []))
outputs.append(tensor_input("empty", FLOAT, [0, 4]))
save("every_type", [], [], outputs, initializers, opset=17, check=False)

# Data in a file beside the model, and locations that lead out of the model's folder.
(folder / "external.bin").write_bytes(bytes(64) + np.array([1, 2, 3], np.float32).tobytes())
for name, location in {
    "external": "external.bin",
    "external_parent": "../models/external.bin",
    "external_absolute": "/etc/passwd",
    "external_missing": "nowhere.bin",
}.items():
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "offset": "64", "length": "12"}.items():
        tensor.external_data.add(key=key, value=value)
    save(
        name,
        [helper.make_node("Add", ["x", "w"], ["y"])],
        [tensor_input("x", FLOAT, [3])],
        [tensor_input("y", FLOAT, [3])],
        [tensor],
        check=False,
    )

# Tensors in files of their own.
for name, (_, numpy_type, values) in NUMBERS.items():
    array = np.array(values, numpy_type)
    tensor = numpy_helper.from_array(array, name)
    (folder / f"tensor_{name}.pb").write_bytes(tensor.SerializeToString(deterministic=True))
tensor = numpy_helper.from_array(np.array([[text] for text in texts], object), "bytes")
(folder / "tensor_bytes.pb").write_bytes(tensor.SerializeToString(deterministic=True))
