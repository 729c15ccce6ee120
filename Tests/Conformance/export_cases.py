"""Writes ONNX's backend test cases as folders, from the installed package onnx.

  FOLDER/KIND/NAME/model.onnx
  FOLDER/KIND/NAME/test_data_set_0/{input,output}_J.pb

The cases of single operators are not files in the package: importing its test modules makes them, with
inputs drawn from numpy's generator. A seed makes the export the same each time, and another seed gives
other numbers for the same graphs.
"""

import glob
import json
import os
import pathlib
import random
import shutil
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.loader import DATA_DIR, load_model_tests

STORED_KINDS = ("simple", "pytorch-operator", "pytorch-converted")


def export(folder, seed):
    """Writes every case under `folder`, unless it holds this version's cases with this seed."""
    stamp = folder / "cases.json"
    identity = {"onnx": onnx.__version__, "seed": seed}
    if stamp.exists() and json.loads(stamp.read_text()) == identity:
        return
    print(f"exporting the cases of onnx {onnx.__version__}, seed {seed} …", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    np.random.seed(seed)
    random.seed(seed)
    for case in load_model_tests(kind="node"):
        write_case(folder / "node" / case.name, case.model, case.data_sets)
    for kind in STORED_KINDS:
        for case in load_model_tests(kind=kind):
            shutil.copytree(case.model_dir, folder / kind / case.name)
    for path in sorted(glob.glob(os.path.join(DATA_DIR, "light", "*.onnx"))):
        write_light(folder / "light" / pathlib.Path(path).stem.removeprefix("light_"), path)
    stamp.write_text(json.dumps(identity))


def write_case(folder, model, data_sets):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    for number, (inputs, outputs) in enumerate(data_sets):
        data_set = folder / f"test_data_set_{number}"
        data_set.mkdir()
        for role, values, infos in (
            ("input", inputs, model.graph.input),
            ("output", outputs, model.graph.output),
        ):
            for index, (value, info) in enumerate(zip(values, infos)):
                message = as_message(value, info)
                (data_set / f"{role}_{index}.pb").write_bytes(message.SerializeToString())


def as_message(value, info):
    kind = info.type.WhichOneof("value")
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name)
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    if isinstance(value, TensorProto):
        return value
    return numpy_helper.from_array(np.asarray(value), info.name)


def write_light(folder, path):
    """A topology that makes its weights itself; the input is 0, 1/n, 2/n… as ONNX's runner has it."""
    data_set = folder / "test_data_set_0"
    data_set.mkdir(parents=True)
    shutil.copy(path, folder / "model.onnx")
    graph = onnx.load(path).graph
    known = {tensor.name for tensor in graph.initializer}
    for index, info in enumerate(i for i in graph.input if i.name not in known):
        shape = [axis.dim_value or 1 for axis in info.type.tensor_type.shape.dim]
        count = int(np.prod(shape))
        value = (np.arange(count).reshape(shape) / count).astype(np.float32)
        message = numpy_helper.from_array(value, info.name)
        (data_set / f"input_{index}.pb").write_bytes(message.SerializeToString())
    for index in range(len(graph.output)):
        expected = f"{path.removesuffix('.onnx')}_output_{index}.pb"
        if os.path.exists(expected):
            shutil.copy(expected, data_set / f"output_{index}.pb")
