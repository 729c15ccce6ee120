"""Checks, or writes anew, the test vectors of Tern's wire protocol.

    python3 Protocol/conformance check       reads every vector with this reader and writer
    python3 Protocol/conformance generate    writes all vectors anew

Exit code: 0 if all is well, 1 if a vector is not as it should be, 2 if the command is not known.
"""

import argparse
import json
import pathlib
import re
import struct
import sys

import infer
import invalid_vectors
import valid_vectors
from frame import Limits, WireError
from messages import read_frame, write_frame

PROTOCOL = pathlib.Path(__file__).resolve().parent.parent
VALID = PROTOCOL / "vectors" / "valid"
INVALID = PROTOCOL / "vectors" / "invalid"
LEAST = {VALID: 30, INVALID: 60}


def defects():
    codes = json.loads((PROTOCOL / "error-codes.json").read_text())
    return {defect["id"]: defect["code"] for defect in codes["defects"]}


def made_files():
    """All files as they should be: path -> bytes."""
    codes, files = defects(), {}

    def add(folder, name, frame, meta):
        files[folder / f"{name}.bin"] = frame
        text = json.dumps(meta, indent=2, ensure_ascii=False)
        files[folder / f"{name}.json"] = (text + "\n").encode()

    for name, description, meaning, frame, canonical in valid_vectors.all_vectors():
        meta = {"description": description}
        if canonical:
            meta["reencodes_to"] = canonical
        add(VALID, name, frame, meta | {"meaning": meaning})
    for name, description, defect, frame, expect, limits in invalid_vectors.all_vectors():
        meta = {"description": description, "defect": defect, "code": codes[defect]}
        if expect:
            meta["expect"] = expect
        if limits:
            meta["limits"] = limits
        add(INVALID, name, frame, meta)
    return files


def generate():
    files = made_files()
    for folder in (VALID, INVALID):
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path not in files and not path.name.startswith("found-"):
                path.unlink()
    for path, content in files.items():
        path.write_bytes(content)
    print(f"wrote {len(files)} files")
    return []


def check_valid(path, problems):
    meta = json.loads(path.with_suffix(".json").read_text())
    frame = path.read_bytes()
    try:
        meaning = read_frame(frame)
    except WireError as error:
        problems.append(f"{path.name}: should be read, but {error}")
        return
    if meaning != meta["meaning"]:
        problems.append(f"{path.name}: means {meaning}, should mean {meta['meaning']}")
    canonical = meta.get("reencodes_to")
    wanted = (VALID / f"{canonical}.bin").read_bytes() if canonical else frame
    if write_frame(meta["meaning"]) != wanted:
        problems.append(f"{path.name}: writing its meaning gives other bytes")


def check_invalid(path, codes, problems):
    meta = json.loads(path.with_suffix(".json").read_text())
    try:
        read_frame(path.read_bytes(), Limits(**meta.get("limits", {})), meta.get("expect"))
        problems.append(f"{path.name}: is read, should be refused with {meta['defect']}")
    except WireError as error:
        if (error.identity, error.code) != (meta["defect"], meta["code"]):
            problems.append(f"{path.name}: refused with {error}, should be {meta['defect']}")
        if codes.get(error.identity) != error.code:
            problems.append(f"{path.name}: error-codes.json has another code for {error.identity}")


def check_worked_examples(problems):
    """The listings of section 10 must be the bytes of the vectors they show."""
    section = (PROTOCOL / "README.md").read_text().split("## 10.")[1].split("\n## ")[0]
    listings = section.split("```")[1::2]
    names = ["infer-request", "error-overloaded"]
    if len(listings) != len(names):
        problems.append(f"README.md: {len(listings)} worked examples, should be {len(names)}")
    for name, listing in zip(names, listings):
        shown = b"".join(bytes.fromhex(digits)
                         for digits in re.findall(r"^ *\d+((?: [ ]?[0-9a-f]{2})+)", listing, re.M))
        if shown != (VALID / f"{name}.bin").read_bytes():
            problems.append(f"README.md: a worked example is not {name}.bin")


def check_infer_module(problems):
    """The small client in infer.py builds and reads what the vectors show."""
    pixels = struct.pack("<4f", 0.0, 0.5, 1.0, -2.0)
    built = infer.request("digits", {"pixels": ("FP32", [1, 4], pixels)})
    if built != (VALID / "infer-request.bin").read_bytes():
        problems.append("infer.py: builds another frame than infer-request.bin")
    reply = infer.reply((VALID / "infer-reply-phase-times.bin").read_bytes())
    wanted = ("INT64", [1], struct.pack("<q", 7))
    if reply["outputs"]["label"] != wanted or reply["phase_times"]["total"] != 103400:
        problems.append("infer.py: reads infer-reply-phase-times.bin wrongly")
    try:
        infer.reply((VALID / "error-overloaded.bin").read_bytes())
        problems.append("infer.py: takes error-overloaded.bin for a success")
    except infer.InferError as error:
        if (error.status, error.retry_after_microseconds) != (8, 1800):
            problems.append("infer.py: reads error-overloaded.bin wrongly")


def check():
    problems, codes = [], defects()
    check_worked_examples(problems)
    check_infer_module(problems)
    for path, content in made_files().items():
        if not path.exists() or path.read_bytes() != content:
            problems.append(f"{path.name}: is not as `generate` would write it")
    seen = set()
    for folder, least in LEAST.items():
        frames = sorted(folder.glob("*.bin"))
        if len(frames) < least:
            problems.append(f"{folder.name}: {len(frames)} vectors, should be at least {least}")
        for path in frames:
            if folder == VALID:
                check_valid(path, problems)
            else:
                check_invalid(path, codes, problems)
                seen.add(json.loads(path.with_suffix(".json").read_text())["defect"])
        print(f"{len(frames)} {folder.name} vectors")
    for identity in sorted(set(codes) - seen):
        problems.append(f"no invalid vector shows the defect {identity}")
    return problems


def main():
    parser = argparse.ArgumentParser(prog="python3 Protocol/conformance", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["check", "generate"])
    problems = {"check": check, "generate": generate}[parser.parse_args().command]()
    for problem in problems:
        print(problem, file=sys.stderr)
    print("all is well" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
