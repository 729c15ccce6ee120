"""A model of one operator, run by ONNX Runtime with its inputs and outputs bound beforehand."""

import statistics
import time

import numpy
import onnxruntime
from onnx import helper, numpy_helper

VERSION = onnxruntime.__version__


class RuntimeModel:
    """Nodes with constants, one input and some outputs.

    `share` says what part of the model's time one node takes: 1 / the number of nodes.
    """

    def __init__(self, nodes, constants, value, output_shapes, threads, optimize, share,
                 output_type=numpy.float32):
        outputs = [
            helper.make_tensor_value_info(name, element_type(output_type), shape)
            for name, shape in output_shapes.items()]
        graph = helper.make_graph(
            nodes, "one operator",
            [helper.make_tensor_value_info("x", element_type(value.dtype), value.shape)], outputs,
            [numpy_helper.from_array(array, name) for name, array in constants.items()])
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = (
            levels.ORT_ENABLE_ALL if optimize else levels.ORT_DISABLE_ALL)
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.kept = [onnxruntime.OrtValue.ortvalue_from_numpy(value)]
        self.binding.bind_ortvalue_input("x", self.kept[0])
        for name, shape in output_shapes.items():
            output = onnxruntime.OrtValue.ortvalue_from_numpy(numpy.zeros(shape, output_type))
            self.binding.bind_ortvalue_output(name, output)
            self.kept.append(output)
        self.share = share

    def mean_nanoseconds(self, seconds=0.2):
        """The mean time of one node, with everything that gets in between."""
        run = self.session.run_with_iobinding
        for _ in range(2):
            run(self.binding)
        count, start = 0, time.perf_counter_ns()
        while time.perf_counter_ns() < start + seconds * 1e9:
            run(self.binding)
            count += 1
        return (time.perf_counter_ns() - start) / count * self.share

    def nanoseconds(self, seconds=0.1):
        """The median time of one node."""
        run = self.session.run_with_iobinding
        for _ in range(2):
            run(self.binding)
        samples = []
        end = time.perf_counter() + seconds
        while len(samples) < 5 or time.perf_counter() < end:
            start = time.perf_counter_ns()
            run(self.binding)
            samples.append(time.perf_counter_ns() - start)
        return statistics.median(samples) * self.share


def element_type(numpy_type):
    return helper.np_dtype_to_tensor_dtype(numpy.dtype(numpy_type))


def bytes_of(kind, *shape):
    return numpy.random.default_rng(1).integers(0, 256, shape).astype(numpy.uint8).view(kind)


def uniform(*shape):
    return numpy.random.default_rng(1).uniform(-1, 1, shape).astype(numpy.float32)
