"""The smallest useful client of Tern's wire protocol: one ModelInfer, with nothing but struct.

    import infer, pynng
    with pynng.Req0(dial="ipc:///tmp/tern", resend_time=-1) as socket:
        socket.send(infer.request("digits", {"pixels": ("FP32", [1, 64], pixel_bytes)}))
        reply = infer.reply(socket.recv())
        print(reply["version"], reply["outputs"]["probabilities"])

It trusts the server; a reader that checks everything is in frame.py and messages.py.
"""

import struct

_TYPES = ["", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
          "FP16", "FP32", "FP64", "BYTES", "BF16"]


class InferError(Exception):
    """The server answered with an error: `status` is its code's number."""

    def __init__(self, status, message, retry_after_microseconds):
        super().__init__(f"status {status}: {message}")
        self.status = status
        self.retry_after_microseconds = retry_after_microseconds


def _field(tag, value):
    return struct.pack("<HHI", tag, 0, len(value)) + value


def _aligned(offset):
    return offset + (60 - offset) % 64


def request(model, inputs, version=None, correlation_id=1, budget_microseconds=None,
            wants_phase_times=False):
    """Builds a frame. `inputs` maps names to (type name, shape, little-endian row-major bytes)."""
    fields = _field(1, model.encode())
    if version is not None:
        fields += _field(2, struct.pack("<Q", version))
    for name, (type_name, shape, payload) in inputs.items():
        encoded = name.encode()
        fields += _field(7, struct.pack(
            f"<BBHIQ{len(shape)}Q", _TYPES.index(type_name), len(shape), len(encoded), 0,
            len(payload), *shape) + encoded)
    frame = bytearray(60) + fields
    for _, _, payload in inputs.values():
        if payload:
            frame += bytes(_aligned(len(frame)) - len(frame)) + payload
    flags = (2 if budget_microseconds is not None else 0) | (8 if wants_phase_times else 0)
    struct.pack_into("<Q4sHHHHIQQ", frame, 0, len(frame), b"TERN", 1, 6, flags, 0, len(fields),
                     correlation_id, budget_microseconds or 0)
    return bytes(frame)


def reply(frame):
    """Takes a reply apart; raises InferError if it is an error reply."""
    (length, magic, version, _, flags, status, fields_byte_count, correlation_id,
     microseconds) = struct.unpack_from("<Q4sHHHHIQQ", frame)
    if length != len(frame) or magic != b"TERN" or version != 1 or not flags & 1:
        raise ValueError("not a reply of Tern's protocol, version 1")
    result = {"correlation_id": correlation_id, "outputs": {}}
    message, cursor = "", 60
    place = end = 60 + fields_byte_count
    while cursor < end:
        tag, _, byte_count = struct.unpack_from("<HHI", frame, cursor)
        value = frame[cursor + 8:cursor + 8 + byte_count]
        cursor += 8 + byte_count
        if tag == 0x40:
            message = value.decode()
        elif tag == 2:
            (result["version"],) = struct.unpack("<Q", value)
        elif tag == 6:
            names = ["receive", "queue", "batch_wait", "compute", "encode", "total"]
            result["phase_times"] = dict(zip(names, struct.unpack("<6Q", value)))
        elif tag == 7:
            type_code, rank, _, _, payload_byte_count = struct.unpack_from("<BBHIQ", value)
            shape = list(struct.unpack_from(f"<{rank}Q", value, 16))
            place = _aligned(place) if payload_byte_count else place
            payload = bytes(frame[place:place + payload_byte_count])
            place += payload_byte_count
            result["outputs"][value[16 + 8 * rank:].decode()] = (_TYPES[type_code], shape, payload)
    if status:
        raise InferError(status, message, microseconds if flags & 2 else None)
    return result
