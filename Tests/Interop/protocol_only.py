"""Calls a running server six times and checks its answers.

Written from the specification alone (Protocol/README.md and Protocol/error-codes.json), so it fails
where the server and the specification differ. It needs pynng, and a server of a model `identity`
with one FP32 input of any shape [batch, width] and one output that equals it:

    python3 protocol_only.py ipc:///tmp/tern.ipc
"""

import struct
import sys

import pynng

HEADER = struct.Struct("<Q4sHHHHIQQ16sb3s")
HEADER_NAMES = ("length", "magic", "version", "kind", "flags", "status", "fields", "correlation_id",
                "time", "key", "priority", "zero")
REPLY, HAS_TIME, WANTS_PHASE_TIMES, IGNORABLE = 0x01, 0x02, 0x08, 0xFF00
OK, INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE = 0, 3, 5, 8, 10, 14
INT32, FP32 = 8, 11

# The fields of each call's reply, in the notation of section 3: `?` may be absent, `*` may repeat.
SERVER_LIVE, SERVER_METADATA, MODEL_METADATA, MODEL_INFER = 1, 3, 5, 6
REPLIES = {
    SERVER_LIVE: "is_true",
    SERVER_METADATA: "server_name server_version extension* protocol_version*",
    MODEL_METADATA: "model_name model_version platform available_version* input* output*",
    MODEL_INFER: "model_version phase_times? tensor*",
}
ERROR_REPLY = "protocol_version* error_message error_subject? error_expected? error_found?"


def check(condition, message):
    if not condition:
        sys.exit(f"protocol_only.py: {message}")


def unpack(layout, data):
    size = struct.calcsize("<" + layout)
    check(len(data) == size, f"a value of {size} bytes has {len(data)}")
    return struct.unpack("<" + layout, data)


def number(data):
    return unpack("Q", data)[0]


def name(data):
    check(1 <= len(data) <= 256, f"a name of {len(data)} bytes")
    check(min(data) >= 0x20 and 0x7F not in data, f"a control character in {data!r}")
    return data.decode()


def phase_times(data):
    *phases, total = unpack("6Q", data)
    check(sum(phases) == total, f"the phases {phases} sum to {sum(phases)}, not to {total}")
    return total


def descriptor(data):
    """What starts the description of an input or output; the axes behind it are not needed."""
    element_type, rank, name_size = unpack("BBH", data[:4])
    check(len(data) >= 4 + name_size, f"the name of an input or output ends behind {data!r}")
    return element_type, rank, name(data[4:4 + name_size])


def tensor(data):
    """All of a tensor but its payload, which stands behind the fields."""
    element_type, rank, name_size, zero, size = unpack("BBHIQ", data[:16])
    check(rank <= 8 and zero == 0, f"a tensor of rank {rank}, with reserved bytes {zero}")
    end = 16 + 8 * rank
    check(len(data) == end + name_size, f"a tensor's record has {len(data)} bytes")
    shape = list(unpack(f"{rank}Q", data[16:end]))
    return {"name": name(data[end:]), "type": element_type, "shape": shape, "size": size}


TAGS = {
    0x01: ("model_name", name), 0x02: ("model_version", number),
    0x06: ("phase_times", phase_times), 0x07: ("tensor", tensor),
    0x20: ("is_true", bytes), 0x21: ("server_name", name), 0x22: ("server_version", name),
    0x23: ("extension", name), 0x24: ("protocol_version", number), 0x25: ("platform", name),
    0x26: ("available_version", number), 0x27: ("input", descriptor), 0x28: ("output", descriptor),
    0x40: ("error_message", bytes.decode), 0x41: ("error_subject", bytes.decode),
    0x42: ("error_expected", bytes.decode), 0x43: ("error_found", bytes.decode),
}


def decode_fields(data, signature):
    """Values by name: lists for `*`, None for an absent `?`."""
    fields = {item.rstrip("?*"): [] for item in signature.split()}
    at = previous = 0
    while at < len(data):
        tag, zero, size = unpack("HHI", data[at:at + 8])
        value, at = data[at + 8:at + 8 + size], at + 8 + size
        check(at <= len(data), f"field {tag:#x} ends behind the fields")
        check(zero == 0 and tag >= previous, f"field {tag:#x} behind {previous:#x}, zero is {zero}")
        previous = tag
        label, read = TAGS.get(tag, (None, None))
        check(label in fields or tag < 0x8000, f"the critical field {tag:#x} is not known")
        if label in fields:
            fields[label].append(read(value))
    for item in signature.split():
        label, count = item.rstrip("?*"), len(fields[item.rstrip("?*")])
        if not item.endswith("*"):
            check(count == 1 or count == 0 and item.endswith("?"), f"{label} stands {count} times")
            fields[label] = fields[label][0] if count else None
    return fields


def decode_reply(frame, kind, correlation_id):
    """The reply's status and fields; payloads are put into their tensors."""
    check(len(frame) >= HEADER.size, f"a frame of {len(frame)} bytes has no header")
    header = dict(zip(HEADER_NAMES, HEADER.unpack_from(frame)))
    flags, status = header["flags"], header["status"]
    may_hint = status in (RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE)
    hint = flags & HAS_TIME if may_hint else 0
    expected = {
        "magic": b"TERN", "version": 1, "length": len(frame), "kind": kind,
        "flags": flags & IGNORABLE | REPLY | hint, "correlation_id": correlation_id,
        "time": header["time"] if hint else 0, "key": bytes(16), "priority": 0, "zero": bytes(3),
    }
    for label, value in expected.items():
        check(header[label] == value, f"the header's {label} is {header[label]!r}, not {value!r}")

    end = HEADER.size + header["fields"]
    check(end <= len(frame), f"the fields end at {end}, behind the frame's {len(frame)} bytes")
    fields = decode_fields(frame[HEADER.size:end], REPLIES[kind] if status == OK else ERROR_REPLY)
    for each in fields.get("tensor", []):
        start = end + (60 - end) % 64 if each["size"] else end
        check(not any(frame[end:start]), f"the padding before {each['name']} is not zero")
        end = start + each["size"]
        check(end <= len(frame), f"the payload of {each['name']} ends behind the frame")
        each["payload"] = frame[start:end]
    check(end == len(frame), f"{len(frame) - end} bytes behind the end")
    return status, fields


def field(tag, value):
    return struct.pack("<HHI", tag, 0, len(value)) + value


def tensor_field(label, element_type, shape, payload):
    label, rank = label.encode(), len(shape)
    head = struct.pack(f"<BBHIQ{rank}Q", element_type, rank, len(label), 0, len(payload), *shape)
    return field(0x07, head + label)


def encode_request(kind, correlation_id, fields=b"", payload=b"", flags=0, budget=0):
    """A frame with at most one payload; the budget is in microseconds."""
    body = fields + bytes(-len(fields) % 64) + payload if payload else fields
    return HEADER.pack(HEADER.size + len(body), b"TERN", 1, kind, flags, 0, len(fields),
                       correlation_id, budget, bytes(16), 0, bytes(3)) + body


def run(socket):
    calls = 0

    def call(kind, *arguments, expect=OK, **options):
        nonlocal calls
        calls += 1
        correlation_id = 2**64 - calls
        socket.send(encode_request(kind, correlation_id, *arguments, **options))
        status, fields = decode_reply(socket.recv(), kind, correlation_id)
        message = fields.get("error_message", "a success")
        check(status == expect, f"call {calls} has the status {status}, not {expect}: {message}")
        return fields

    check(call(SERVER_LIVE)["is_true"] == b"\1", "the server says that it is not live")
    server = call(SERVER_METADATA)
    check(1 in server["protocol_version"], "the server does not list version 1 of the protocol")
    print(f"server: {server['server_name']} {server['server_version']}")

    identity, shape = field(0x01, b"identity"), [2, 3]
    model = call(MODEL_METADATA, identity)
    check(model["model_name"] == "identity", f"metadata of {model['model_name']}, not of identity")
    check(len(model["input"]) == len(model["output"]) == 1, "not one input and one output")
    for element_type, rank, label in model["input"] + model["output"]:
        check(element_type == FP32, f"{label} has the element type {element_type}, not {FP32}")
        check(rank in (2, 255), f"{label} has the rank {rank}, not 2")
    source, result = model["input"][0][-1], model["output"][0][-1]
    print(f"model: identity, {source} -> {result}")

    payload = struct.pack("<6f", 0.0, 0.5, 1.0, -2.0, 1e-20, float("-inf"))
    floats = tensor_field(source, FP32, shape, payload)
    request = identity + field(0x04, b"protocol-only/4") + field(0x05, result.encode()) + floats
    reply = call(MODEL_INFER, request, payload, HAS_TIME | WANTS_PHASE_TIMES, budget=5_000_000)
    check(reply["model_version"] in model["available_version"], "an unavailable version answered")
    check(reply["phase_times"] is not None, "the phase times are missing")
    output = dict(name=result, type=FP32, shape=shape, size=len(payload), payload=payload)
    check(reply["tensor"] == [output], f"the outputs are {reply['tensor']}, not {[output]}")

    missing = call(MODEL_INFER, field(0x01, b"no-such-model") + floats, payload, expect=NOT_FOUND)
    check(missing["error_message"], "the error has no message")
    print(f"no-such-model: {missing['error_message']}")

    integers = tensor_field(source, INT32, shape, payload)  # any four bytes are an INT32
    wrong = call(MODEL_INFER, identity + integers, payload, expect=INVALID_ARGUMENT)
    for label in "error_message", "error_subject", "error_expected", "error_found":
        check(wrong[label], f"the error about the element type has no {label}")

    print(f"all six calls answered as the specification says: {calls} calls, {len(payload) // 4} "
          f"floats there and back, {reply['phase_times'] / 1e6:.3f} ms in the server")


def main():
    check(len(sys.argv) == 2, "the only argument is a URL, such as ipc:///tmp/tern.ipc")
    try:
        # With a finite resend time, a REQ socket would send a request again.
        with pynng.Req0(resend_time=-1, send_timeout=10_000, recv_timeout=10_000) as socket:
            socket.dial(sys.argv[1], block=True)
            run(socket)
    except (UnicodeDecodeError, pynng.NNGException) as error:
        check(False, f"{sys.argv[1]}: {error}")


if __name__ == "__main__":
    main()
