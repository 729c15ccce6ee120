"""A private environment with the peers that Tern is compared with, at fixed versions, from PyPI."""

import os
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGES = ["onnxruntime==1.32.0", "onnx==1.23.2", "numpy==2.4.6"]
FOLDER = pathlib.Path(__file__).resolve().parent / ".environment"


def enter(*extra):
    """Goes on in the private environment, which is made at the first use.

    `extra` are packages that only some comparisons need; the environment keeps them from then on.
    """
    if os.environ.get("TERN_PEERS_ENVIRONMENT") == str(FOLDER):
        return
    python = FOLDER / "bin" / "python"
    stamp = FOLDER / "packages"
    if not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
        print(f"installing {', '.join(PACKAGES)} …", file=sys.stderr)
        venv.create(FOLDER, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        stamp.write_text(" ".join(PACKAGES))
    for package in extra:
        # Finds out quickly if it is there already.
        subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=True)
    os.environ["TERN_PEERS_ENVIRONMENT"] = str(FOLDER)
    os.execv(python, [str(python), *sys.argv])


def tern():
    """The program to measure: $TERN, or a release build of this checkout."""
    if os.environ.get("TERN"):
        return os.environ["TERN"]
    print("building tern …", file=sys.stderr)
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", "tern"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return str(ROOT / ".build" / "release" / "tern")


def load_average():
    return " ".join(f"{load:.2f}" for load in os.getloadavg())
