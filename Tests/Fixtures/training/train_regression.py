"""Trains the linear regression f(x) = theta^T x and writes it with inputs and expected answers.

The model is trained by gradient descent on data drawn with a fixed seed. The expected answers do not
come from it: they are those of the closed form, the solution of the normal equations
(X^T X) theta = X^T y in double precision.

    train_regression.py QUICKSTART_FOLDER
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SEED = 20240301
FEATURES = 8
SAMPLES = 1000
CALLS = 64


def descend(x, y):
    """Minimises the mean squared error by gradient descent, until the steps no longer matter."""
    hessian = x.T @ x / len(x)
    moment = x.T @ y / len(x)
    # The largest step that surely converges is two over the largest eigenvalue.
    rate = 1 / np.linalg.eigvalsh(hessian)[-1]
    theta = np.zeros(x.shape[1])
    for step in range(100_000):
        change = rate * (hessian @ theta - moment)
        theta -= change
        if np.abs(change).max() < 1e-14:
            print(f"converged after {step + 1} steps")
            return theta
    raise AssertionError("gradient descent did not converge")


def export(theta):
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "theta"], ["f"], "product")],
        "regression",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", FEATURES])],
        [helper.make_tensor_value_info("f", TensorProto.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(theta.astype(np.float32).reshape(-1, 1), "theta")],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="tern train_regression.py",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    folder = pathlib.Path(sys.argv[1])
    rng = np.random.default_rng(SEED)
    truth = rng.uniform(-0.5, 0.5, FEATURES)
    x = rng.uniform(-1, 1, (SAMPLES, FEATURES))
    y = x @ truth + rng.normal(0, 0.05, SAMPLES)

    theta = descend(x, y)
    closed_form = np.linalg.solve(x.T @ x, x.T @ y)
    assert np.abs(theta - closed_form).max() < 1e-10

    inputs = rng.uniform(-1, 1, (CALLS, FEATURES)).astype(np.float32)
    expected = (inputs.astype(np.float64) @ closed_form).astype(np.float32).reshape(-1, 1)
    single = inputs @ theta.astype(np.float32).reshape(-1, 1)
    print(f"largest difference from the closed form: {np.abs(single - expected).max():.1e}")
    assert np.abs(single - expected).max() < 5e-7

    target = folder / "models" / "regression" / "1"
    target.mkdir(parents=True, exist_ok=True)
    onnx.save(export(theta), target / "model.onnx")
    np.save(folder / "regression_inputs.npy", inputs)
    np.save(folder / "regression_expected.npy", expected)


if __name__ == "__main__":
    main()
