"""The frames that scenarios send, made by the protocol's own reader and writer in Protocol/."""

import pathlib
import struct
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Protocol" / "conformance"))

import infer  # noqa: E402
import messages  # noqa: E402

SLOW_SIDE = 512


def server_live(correlation_id=1):
    return messages.write_frame({
        "kind": "ServerLive", "reply": False, "correlation_id": correlation_id, "priority": 0,
        "body": {}})


def infer_identity(byte_count, correlation_id=1, fill=0.5, budget_microseconds=None):
    """A request of the identity model with a tensor of `byte_count` bytes."""
    count = byte_count // 4
    payload = struct.pack("<f", fill) * count
    return infer.request(
        "identity", {"x": ("FP32", [1, count], payload)}, correlation_id=correlation_id,
        budget_microseconds=budget_microseconds)


def infer_slow(correlation_id=1, budget_microseconds=None, side=SLOW_SIDE):
    """A request of the chain of matrix products, which takes some hundred milliseconds; twice the
    side takes eight times as long."""
    payload = struct.pack("<f", 0.001) * (side * side)
    return infer.request(
        "slow", {"x": ("FP32", [side, side], payload)}, correlation_id=correlation_id,
        budget_microseconds=budget_microseconds)


@dataclass
class Reply:
    status: str
    correlation_id: int
    message: str
    payload_byte_count: int


def parse(frame):
    """Reads a reply with every check that the specification asks of a reader."""
    meaning = messages.read_frame(frame)
    if not meaning["reply"]:
        raise ValueError("the server sent a request")
    body = meaning["body"]
    payloads = sum(len(output["payload"]) // 2 for output in body.get("outputs", []))
    return Reply(
        meaning["status"], meaning["correlation_id"], body.get("message", ""), payloads)


def is_live(connection):
    return parse(connection.call(server_live())).status == "OK"
