"""A small convolutional network in numpy: layers with forward and backward passes, and Adam.

Every layer keeps what its backward pass needs from the last forward pass. Tensors are NCHW, weights
are laid out as ONNX has them (Conv: [out, in, height, width]; Gemm with transB: [out, in]).
"""

import numpy as np


class Convolution:
    """A 3x3 convolution with stride 1 and padding 1, so that height and width stay the same."""

    def __init__(self, rng, inputs, outputs):
        scale = np.sqrt(2 / (inputs * 9))
        self.weight = (rng.standard_normal((outputs, inputs, 3, 3)) * scale).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)
        self.parameters = [self.weight, self.bias]

    def forward(self, x, training):
        n, c, h, w = x.shape
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        # One row for each pixel, one column for each weight of a filter.
        self.columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * 9)
        self.shape = x.shape
        y = self.columns @ self.weight.reshape(len(self.bias), -1).T + self.bias
        return y.reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, gradient):
        n, c, h, w = self.shape
        outputs = len(self.bias)
        rows = gradient.transpose(0, 2, 3, 1).reshape(-1, outputs)
        self.gradients = [
            (rows.T @ self.columns).reshape(self.weight.shape),
            rows.sum(0),
        ]
        windows = (rows @ self.weight.reshape(outputs, -1)).reshape(n, h, w, c, 3, 3)
        padded = np.zeros((n, c, h + 2, w + 2), gradient.dtype)
        for i in range(3):
            for j in range(3):
                padded[:, :, i : i + h, j : j + w] += windows[..., i, j].transpose(0, 3, 1, 2)
        return padded[:, :, 1:-1, 1:-1]


class Dense:
    """y = x W^T + b."""

    def __init__(self, rng, inputs, outputs):
        scale = np.sqrt(2 / inputs)
        self.weight = (rng.standard_normal((outputs, inputs)) * scale).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)
        self.parameters = [self.weight, self.bias]

    def forward(self, x, training):
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, gradient):
        self.gradients = [gradient.T @ self.x, gradient.sum(0)]
        return gradient @ self.weight


class Rectifier:
    """max(x, 0)."""

    parameters = []

    def forward(self, x, training):
        self.positive = x > 0
        return x * self.positive

    def backward(self, gradient):
        return gradient * self.positive


class MaxPooling:
    """The largest of every 2x2 pixels."""

    parameters = []

    def forward(self, x, training):
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
        blocks = blocks.reshape(n, c, h // 2, w // 2, 4)
        # Only one pixel of a block gets the gradient, also where several are largest.
        self.chosen = blocks.argmax(-1)
        self.shape = x.shape
        return blocks.max(-1)

    def backward(self, gradient):
        n, c, h, w = self.shape
        blocks = (self.chosen[..., None] == np.arange(4)) * gradient[..., None]
        blocks = blocks.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return blocks.reshape(self.shape)


class Flattening:
    """[n, c, h, w] to [n, c*h*w]."""

    parameters = []

    def forward(self, x, training):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient):
        return gradient.reshape(self.shape)


class Dropout:
    """Sets a share of the values to zero while training, and scales the others up."""

    parameters = []

    def __init__(self, rng, share):
        self.rng, self.share = rng, share

    def forward(self, x, training):
        if not training:
            return x
        kept = self.rng.random(x.shape) >= self.share
        self.mask = (kept / (1 - self.share)).astype(x.dtype)
        return x * self.mask

    def backward(self, gradient):
        return gradient * self.mask


class Network:
    """Layers one after the other, with softmax and cross-entropy at the end."""

    def __init__(self, layers):
        self.layers = layers
        self.parameters = [p for layer in layers for p in layer.parameters]

    def logits(self, x, training=False):
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def gradients(self, x, labels):
        """The loss, and its gradient with respect to every parameter."""
        logits = self.logits(x, training=True)
        shifted = logits - logits.max(1, keepdims=True)
        log_probabilities = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        gradient = np.exp(log_probabilities)
        gradient[np.arange(len(x)), labels] -= 1
        gradient /= len(x)
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        loss = -log_probabilities[np.arange(len(x)), labels].mean()
        return loss, [g for layer in self.layers if layer.parameters for g in layer.gradients]


class Adam:
    """Kingma and Ba's optimiser, with decoupled weight decay."""

    def __init__(self, parameters, decay=1e-4):
        self.parameters, self.decay, self.step_count = parameters, decay, 0
        self.means = [np.zeros_like(p) for p in parameters]
        self.squares = [np.zeros_like(p) for p in parameters]

    def step(self, gradients, rate):
        self.step_count += 1
        for p, g, m, v in zip(self.parameters, gradients, self.means, self.squares):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            mean = m / (1 - 0.9**self.step_count)
            square = v / (1 - 0.999**self.step_count)
            p -= rate * (mean / (np.sqrt(square) + 1e-8) + self.decay * p)


def check_gradients(network, x, labels, rng):
    """Compares the gradients with finite differences; raises AssertionError if they disagree.

    The network must have no random layers. It is turned to double precision, in which differences
    are small enough that no rectifier or pooling window changes its mind.
    """
    for layer in network.layers:
        if layer.parameters:
            layer.weight = layer.weight.astype(np.float64)
            layer.bias = layer.bias.astype(np.float64)
            layer.parameters = [layer.weight, layer.bias]
    x = x.astype(np.float64)
    _, gradients = network.gradients(x, labels)
    parameters = [p for layer in network.layers for p in layer.parameters]
    step = 1e-6
    for parameter, gradient in zip(parameters, gradients):
        flat = parameter.reshape(-1)
        for index in rng.choice(flat.size, min(10, flat.size), replace=False):
            before = flat[index]
            flat[index] = before + step
            upper, _ = network.gradients(x, labels)
            flat[index] = before - step
            lower, _ = network.gradients(x, labels)
            flat[index] = before
            numeric = (upper - lower) / (2 * step)
            exact = gradient.reshape(-1)[index]
            assert abs(numeric - exact) < 1e-6 * max(1, abs(exact)), (numeric, exact)
