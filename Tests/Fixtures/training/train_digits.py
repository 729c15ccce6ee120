"""Trains the digits network and writes it with its 450 test images.

The data are the 1797 handwritten digits of 8x8 pixels that scikit-learn bundles (UCI, "Optical
Recognition of Handwritten Digits"). 450 of them, drawn once with a fixed seed and the same share of
each digit, are never trained on.

    train_digits.py QUICKSTART_FOLDER
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import cnn

SEED = 20240229
EPOCHS = 60
BATCH = 32
REQUIRED_ACCURACY = 0.975


def shifted(images, rng):
    """Each image moved by up to one pixel along each axis."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    result = np.empty_like(images)
    for index, (dy, dx) in enumerate(rng.integers(0, 3, (len(images), 2))):
        result[index] = padded[index, :, dy : dy + 8, dx : dx + 8]
    return result


def train(images, labels):
    rng = np.random.default_rng(SEED)
    network = cnn.Network([
        cnn.Convolution(rng, 1, 16), cnn.Rectifier(),
        cnn.Convolution(rng, 16, 32), cnn.Rectifier(), cnn.MaxPooling(),
        cnn.Flattening(), cnn.Dense(rng, 512, 64), cnn.Rectifier(),
        cnn.Dropout(rng, 0.25), cnn.Dense(rng, 64, 10),
    ])
    optimiser = cnn.Adam(network.parameters)
    batches = len(images) // BATCH
    for epoch in range(EPOCHS):
        order = rng.permutation(len(images))
        loss_sum = 0.0
        for batch in range(batches):
            chosen = order[batch * BATCH : (batch + 1) * BATCH]
            # From 2e-3 down to 0 along half a cosine.
            progress = (epoch + batch / batches) / EPOCHS
            rate = 1e-3 * (1 + np.cos(np.pi * progress))
            loss, gradients = network.gradients(shifted(images[chosen], rng), labels[chosen])
            optimiser.step(gradients, rate)
            loss_sum += float(loss)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {loss_sum / batches:.4f}")
    return network


def export(network):
    first, second, hidden, last = [layer for layer in network.layers if layer.parameters]
    names = ["conv1", "conv2", "hidden", "output"]
    initializers = []
    for name, layer in zip(names, [first, second, hidden, last]):
        initializers.append(numpy_helper.from_array(layer.weight, f"{name}.weight"))
        initializers.append(numpy_helper.from_array(layer.bias, f"{name}.bias"))
    window = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
    nodes = [
        helper.make_node("Conv", ["image", "conv1.weight", "conv1.bias"], ["c1"], "conv1", **window),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "conv2.weight", "conv2.bias"], ["c2"], "conv2", **window),
        helper.make_node("Relu", ["c2"], ["r2"], "relu2"),
        helper.make_node("MaxPool", ["r2"], ["p2"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p2"], ["flat"], "flatten", axis=1),
        helper.make_node(
            "Gemm", ["flat", "hidden.weight", "hidden.bias"], ["h"], "hidden", transB=1
        ),
        helper.make_node("Relu", ["h"], ["rh"], "relu3"),
        helper.make_node(
            "Gemm", ["rh", "output.weight", "output.bias"], ["logits"], "output", transB=1
        ),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])],
        initializers,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="tern train_digits.py",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    folder = pathlib.Path(sys.argv[1])
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, test_size=450, stratify=labels, random_state=0
    )

    rng = np.random.default_rng(1)
    small = cnn.Network([
        cnn.Convolution(rng, 1, 2), cnn.Rectifier(), cnn.Convolution(rng, 2, 3), cnn.MaxPooling(),
        cnn.Flattening(), cnn.Dense(rng, 48, 10),
    ])
    # Noise instead of digits: where an image is empty, a rectifier stands exactly at its kink.
    cnn.check_gradients(small, rng.random((8, 1, 8, 8)), train_labels[:8], rng)

    network = train(train_images, train_labels)
    accuracy = float((network.logits(test_images).argmax(1) == test_labels).mean())
    print(f"accuracy on {len(test_labels)} test images: {accuracy:.4f}")
    assert accuracy >= REQUIRED_ACCURACY, "not good enough to be written"

    target = folder / "models" / "digits" / "1"
    target.mkdir(parents=True, exist_ok=True)
    onnx.save(export(network), target / "model.onnx")
    np.save(folder / "digits_images.npy", test_images)
    np.save(folder / "digits_labels.npy", test_labels)


if __name__ == "__main__":
    main()
