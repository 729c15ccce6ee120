"""Convolutions of real networks: Tern's kernels beside ONNX Runtime's, on one machine, in turns.

ONNX Runtime runs a model of several equal convolutions of one image with its layout optimisation
on; channels first go in and come out, as in Tern. Both write as many results.
"""

import argparse

import environment

environment.enter()

import numpy
from onnx import helper

import runtime_model
from runtime_model import RuntimeModel, bytes_of, uniform
from turns import Table

# CHANNELSxHEIGHTxWIDTH:FILTERSxHEIGHTxWIDTH:STRIDE:PADDING:GROUPS, and where it is from.
CASES = [
    ("3x224x224:64x7x7:2:3:1", "ResNet-50 conv1"),
    ("64x56x56:64x1x1:1:0:1", "ResNet-50 conv2"),
    ("64x56x56:64x3x3:1:1:1", "ResNet-50 conv2"),
    ("64x56x56:256x1x1:1:0:1", "ResNet-50 conv2"),
    ("256x56x56:128x1x1:1:0:1", "ResNet-50 conv3"),
    ("128x56x56:128x3x3:2:1:1", "ResNet-50 conv3"),
    ("128x28x28:128x3x3:1:1:1", "ResNet-50 conv3"),
    ("512x28x28:256x1x1:1:0:1", "ResNet-50 conv4"),
    ("256x14x14:256x3x3:1:1:1", "ResNet-50 conv4"),
    ("1024x14x14:256x1x1:1:0:1", "ResNet-50 conv4"),
    ("512x7x7:512x3x3:1:1:1", "ResNet-50 conv5"),
    ("512x7x7:2048x1x1:1:0:1", "ResNet-50 conv5"),
    ("32x112x112:32x3x3:1:1:32", "MobileNet depthwise"),
    ("64x112x112:64x3x3:2:1:64", "MobileNet depthwise"),
    ("128x56x56:128x3x3:1:1:128", "MobileNet depthwise"),
    ("512x14x14:512x3x3:1:1:512", "MobileNet depthwise"),
    ("1024x7x7:1024x3x3:1:1:1024", "MobileNet depthwise"),
    ("80x1x3000:384x1x3:1:1:1", "Whisper tiny, first of the audio"),
    ("384x1x3000:384x1x3:2:1:1", "Whisper tiny, second of the audio"),
]
RUN_NANOSECONDS = 2_000_000
# About what one thread does; only decides how many convolutions a model has.
OPERATIONS_PER_NANOSECOND = {"f32": 80, "u8s8": 250, "u8u8": 250}


def sizes(case):
    image, filters, stride, padding, groups = case.split(":")
    return (*[int(size) for size in image.split("x")], *[int(size) for size in filters.split("x")],
            int(stride), int(padding), int(groups))


def convolutions(kind, case, threads):
    """ONNX Runtime's model of a convolution, and how many there are in it."""
    channels, height, width, filters, kernel_y, kernel_x, stride, padding, groups = sizes(case)
    pads = [padding if kernel_y > 1 else 0, padding if kernel_x > 1 else 0]
    strides = [stride if height > 1 else 1, stride]
    out_y = (height + 2 * pads[0] - kernel_y) // strides[0] + 1
    out_x = (width + 2 * pads[1] - kernel_x) // strides[1] + 1
    operations = 2 * filters * channels // groups * kernel_y * kernel_x * out_y * out_x
    share = RUN_NANOSECONDS * OPERATIONS_PER_NANOSECOND[kind] / operations
    count = max(1, min(16, round(share)))
    shape = (filters, channels // groups, kernel_y, kernel_x)
    attributes = {
        "group": groups, "strides": strides, "kernel_shape": [kernel_y, kernel_x],
        "pads": pads + pads}
    if kind == "f32":
        value, output_type = uniform(1, channels, height, width), numpy.float32
        own = {"w": uniform(*shape), "b": uniform(filters)}
        names, operator = ["x", "w", "b"], "Conv"
    else:
        value, output_type = bytes_of(numpy.uint8, 1, channels, height, width), numpy.uint8
        signed = kind == "u8s8"
        own = {
            "xs": numpy.float32(0.02), "xz": numpy.uint8(131),
            "w": bytes_of(numpy.int8 if signed else numpy.uint8, *shape),
            "ws": abs(uniform(filters)) + numpy.float32(0.01) if signed else numpy.float32(0.01),
            "wz": numpy.zeros(filters, numpy.int8) if signed else numpy.uint8(130),
            "ys": numpy.float32(1), "yz": numpy.uint8(120), "b": numpy.zeros(filters, numpy.int32)}
        names, operator = ["x", *own], "QLinearConv"
    constants = {
        f"{name}{i}": numpy.asarray(array) for i in range(count) for name, array in own.items()}
    nodes = [
        helper.make_node(
            operator, [name if name == "x" else f"{name}{i}" for name in names], [f"y{i}"],
            **attributes)
        for i in range(count)]
    model = RuntimeModel(
        nodes, constants, value, {f"y{i}": (1, filters, out_y, out_x) for i in range(count)},
        threads, optimize=True, share=1 / count, output_type=output_type)
    return model, count


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--convolution", action="append", help="such as 64x56x56:64x3x3:1:1:1; several times")
    parser.add_argument(
        "--type", default="f32", choices=OPERATIONS_PER_NANOSECOND,
        help="floats, or bytes as QLinearConv takes them: signed filters with a scale each, or "
        "unsigned ones with a zero point")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    kind = arguments.type
    title = f"{kind} convolutions, ONNX Runtime {runtime_model.VERSION}"
    table = Table(environment.tern(), title, arguments.threads, arguments.repeats)
    for case in arguments.convolution or [case for case, _ in CASES]:
        model, count = convolutions(kind, case, arguments.threads)
        table.add(
            case, model.nanoseconds,
            ["--type", kind, "--convolution", case, "--results", str(count)])
    table.finish()


if __name__ == "__main__":
    main()
