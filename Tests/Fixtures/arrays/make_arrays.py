"""Makes the .npy files that the tests read, as numpy writes them.

    make_arrays.py FOLDER
"""

import pathlib
import sys

import ml_dtypes
import numpy as np

folder = pathlib.Path(sys.argv[1])

NUMBERS = {
    "bool": (np.bool_, [[False, True, True], [True, False, True]]),
    "uint8": (np.uint8, [[0, 128, 255], [1, 2, 3]]),
    "uint16": (np.uint16, [[0, 32768, 65535], [1, 2, 3]]),
    "uint32": (np.uint32, [[0, 2**31, 2**32 - 1], [1, 2, 3]]),
    "uint64": (np.uint64, [[0, 2**63, 2**64 - 1], [1, 2, 3]]),
    "int8": (np.int8, [[-128, 0, 127], [1, 2, 3]]),
    "int16": (np.int16, [[-32768, 0, 32767], [1, 2, 3]]),
    "int32": (np.int32, [[-(2**31), 0, 2**31 - 1], [1, 2, 3]]),
    "int64": (np.int64, [[-(2**63), 0, 2**63 - 1], [1, 2, 3]]),
    "fp16": (np.float16, [[-1.5, 0.25, 65504], [1, 2, 3]]),
    "fp32": (np.float32, [[-1.5, 0.25, 3e38], [1, 2, 3]]),
    "fp64": (np.float64, [[-1.5, 0.25, 1e300], [1, 2, 3]]),
    "bf16": (ml_dtypes.bfloat16, [[-1.5, 0.25, 3e38], [1, 2, 3]]),
}
for name, (type, values) in NUMBERS.items():
    np.save(folder / f"{name}.npy", np.array(values, type))

counting = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
np.save(folder / "counting.npy", counting)
np.save(folder / "counting_fortran.npy", np.asfortranarray(counting))
np.save(folder / "counting_big_endian.npy", counting.astype(">i4"))
for version in [(2, 0), (3, 0)]:
    with open(folder / f"counting_version_{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, counting, version=version)

np.save(folder / "scalar.npy", np.array(42, np.float32))
np.save(folder / "vector.npy", np.arange(3, dtype=np.float32))
np.save(folder / "empty.npy", np.zeros((0, 4), np.float32))
np.save(folder / "byte_strings.npy", np.array([b"", b"zwei", b"drei!"]))
np.save(folder / "texts.npy", np.array(["", "zwei", "日本"]))
np.save(folder / "complex.npy", np.array([1j], np.complex64))
np.save(folder / "records.npy", np.zeros(2, [("a", np.int32), ("b", np.float32)]))
