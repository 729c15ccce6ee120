#!/bin/sh
# Trains the sample models, writes them and their data into the quickstart's resources, and makes
# the small models, tensors and arrays that the tests read.
#
# Needs Python 3.11 or later with venv, and PyPI. What it writes is committed: run it only to change
# a model. Takes about a minute.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/../../.." && pwd)
environment=$root/.build/training-venv

python3 -m venv "$environment"
"$environment/bin/pip" install --quiet -r "$here/requirements.txt"

# One thread: the order of additions, and with it the last bits of the weights, stays the same.
export OPENBLAS_NUM_THREADS=1
export PYTHONDONTWRITEBYTECODE=1
quickstart=$root/Sources/tern/Quickstart
"$environment/bin/python" "$here/train_digits.py" "$quickstart"
"$environment/bin/python" "$here/train_regression.py" "$quickstart"
"$environment/bin/python" "$here/../models/make_models.py" "$here/../models"
"$environment/bin/python" "$here/../arrays/make_arrays.py" "$here/../arrays"
