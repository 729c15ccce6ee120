"""Frames of the wire protocol to their meaning and back (section 6 of ../README.md).

A meaning is what the vectors' JSON files hold: a dictionary with the header's values and a `body`.
"""

import struct

from frame import (CRITICAL_TAG_BIT, INT64_MAX, KINDS, STATUS_NAMES, TAGS, Header, Limits, Writer,
                   check_name, check_text, read_fields, read_header, require)
from tensors import (ELEMENT_TYPES, RANK_LIMIT, TYPE_NAMES, UNKNOWN_RANK, TensorList, pack_record)

STATES = {"READY": 1, "LOADING": 2, "UNLOADING": 3, "UNAVAILABLE": 4}
STATE_NAMES = {code: name for name, code in STATES.items()}
PHASES = ["receive", "queue", "batch_wait", "compute", "encode"]


def exactly(value, offset, byte_count):
    require(len(value) == byte_count, "field-length-mismatch", offset, byte_count, len(value))
    return value


def read_u64(value, offset, limits):
    return int.from_bytes(exactly(value, offset, 8), "little")


def read_version(value, offset, limits):
    version = read_u64(value, offset, limits)
    require(1 <= version <= INT64_MAX, "value-out-of-range", offset, "1 to 2^63-1", version)
    return version


def read_bool(value, offset, limits):
    byte = exactly(value, offset, 1)[0]
    require(byte <= 1, "value-out-of-range", offset, 1, byte)
    return byte == 1


def read_key(value, offset, limits):
    return exactly(value, offset, 16).hex()


def read_phases(value, offset, limits):
    numbers = struct.unpack("<6Q", exactly(value, offset, 48))
    require(sum(numbers[:5]) == numbers[5], "phase-sum-mismatch", offset + 40, sum(numbers[:5]),
            numbers[5])
    return dict(zip(PHASES + ["total"], numbers))


class Value:
    """The parts of a structured value, one after the other."""

    def __init__(self, value, offset, limits):
        self.value, self.offset, self.limits, self.cursor = value, offset, limits, 0

    def take(self, byte_count):
        require(len(self.value) - self.cursor >= byte_count, "field-length-mismatch",
                self.offset + self.cursor, byte_count, len(self.value) - self.cursor)
        part = self.value[self.cursor:self.cursor + byte_count]
        self.cursor += byte_count
        return part

    def number(self, byte_count):
        return int.from_bytes(self.take(byte_count), "little")

    def name(self):
        part = self.take(self.number(2))
        return check_name(part, self.offset + self.cursor - len(part), self.limits)

    def text(self):
        part = self.take(self.number(2))
        return check_text(part, self.offset + self.cursor - len(part), self.limits)

    def finish(self):
        require(self.cursor == len(self.value), "field-length-mismatch",
                self.offset + self.cursor, self.cursor, len(self.value))


def read_descriptor(value, offset, limits):
    parts = Value(value, offset, limits)
    type_code = parts.number(1)
    require(type_code in TYPE_NAMES, "element-type-unknown", offset, None, type_code)
    rank = parts.number(1)
    require(rank <= RANK_LIMIT or rank == UNKNOWN_RANK, "rank-too-large", offset + 1, RANK_LIMIT,
            rank)
    result = {"name": parts.name(), "element_type": TYPE_NAMES[type_code]}
    if rank != UNKNOWN_RANK:
        result["dimensions"] = [read_dimension(parts) for _ in range(rank)]
    parts.finish()
    return result


def read_dimension(parts):
    code = parts.number(1)
    require(code <= 2, "value-out-of-range", parts.offset + parts.cursor - 1, 2, code)
    if code == 1:
        return parts.name()
    if code == 2:
        return None
    size = parts.number(8)
    require(size <= INT64_MAX, "shape-overflow", parts.offset + parts.cursor - 8, INT64_MAX, size)
    return size


def read_index_entry(value, offset, limits):
    parts = Value(value, offset, limits)
    version = parts.number(8)
    require(1 <= version <= INT64_MAX, "value-out-of-range", offset, "1 to 2^63-1", version)
    state = parts.number(1)
    require(state in STATE_NAMES, "value-out-of-range", offset + 8, "1 to 4", state)
    entry = {"name": parts.name(), "version": version, "state": STATE_NAMES[state],
             "reason": parts.text()}
    parts.finish()
    return entry


# Which fields a message has: tag name -> (key in the body, reader, is it required, is it a list).
MODEL_REFERENCE = {
    "model_name": ("model_name", check_name, True, False),
    "model_version": ("model_version", read_version, False, False),
    "model_label": ("model_label", check_name, False, False),
}
IS_TRUE = {"is_true": ("is_true", read_bool, True, False)}
REQUESTS = {
    "ServerLive": {},
    "ServerReady": {},
    "ServerMetadata": {},
    "ModelReady": MODEL_REFERENCE,
    "ModelMetadata": MODEL_REFERENCE,
    "ModelInfer": MODEL_REFERENCE | {
        "request_id": ("request_id", check_name, False, False),
        "wanted_output": ("wanted_outputs", check_name, False, True),
        "tensor": ("inputs", None, False, True),
    },
    "RepositoryIndex": {"ready_only": ("ready_only", read_bool, True, False)},
    "RepositoryModelLoad": MODEL_REFERENCE,
    "RepositoryModelUnload": MODEL_REFERENCE,
    "Cancel": {
        "target_correlation_id": ("target_correlation_id", read_u64, False, False),
        "target_idempotency_key": ("target_idempotency_key", read_key, False, False),
    },
}
REPLIES = {
    "ServerLive": IS_TRUE,
    "ServerReady": IS_TRUE,
    "ServerMetadata": {
        "server_name": ("server_name", check_name, True, False),
        "server_version": ("server_version", check_name, True, False),
        "extension": ("extensions", check_name, False, True),
        "protocol_version": ("protocol_versions", read_u64, False, True),
    },
    "ModelReady": IS_TRUE,
    "ModelMetadata": {
        "model_name": ("model_name", check_name, True, False),
        "model_version": ("model_version", read_version, True, False),
        "platform": ("platform", check_name, True, False),
        "available_version": ("available_versions", read_version, False, True),
        "input": ("inputs", read_descriptor, False, True),
        "output": ("outputs", read_descriptor, False, True),
    },
    "ModelInfer": {
        "model_version": ("model_version", read_version, True, False),
        "phase_times": ("phase_times", read_phases, False, False),
        "tensor": ("outputs", None, False, True),
    },
    "RepositoryIndex": {"index_entry": ("entries", read_index_entry, False, True)},
    "RepositoryModelLoad": {},
    "RepositoryModelUnload": {},
    "Cancel": {"was_in_flight": ("was_in_flight", read_bool, True, False)},
}
ERROR = {
    "protocol_version": ("supported_versions", read_u64, False, True),
    "error_message": ("message", check_text, True, False),
    "error_subject": ("subject", check_text, False, False),
    "error_expected": ("expected", check_text, False, False),
    "error_found": ("found", check_text, False, False),
}


def message_fields(header):
    if header.is_reply and header.status != 0:
        return ERROR
    return (REPLIES if header.is_reply else REQUESTS)[header.kind]


def read_body(data, header, limits):
    known = {TAGS[name]: entry for name, entry in message_fields(header).items()}
    body = {key: [] for key, _, _, is_list in known.values() if is_list}
    tensors = TensorList(data, header.fields_end, limits)
    for tag, offset, value in read_fields(data, header, limits):
        if tag not in known:
            require(not tag & CRITICAL_TAG_BIT, "field-unknown", offset - 8, None, tag)
            continue
        key, reader, _, is_list = known[tag]
        if tag == TAGS["model_label"]:
            require("model_version" not in body, "field-conflict", offset)
        if tag == TAGS["tensor"]:
            tensors.read(value, offset)
        elif tag == TAGS["wanted_output"]:
            require(len(body[key]) < limits.wanted_output_count, "wanted-output-count-too-large",
                    offset, limits.wanted_output_count)
            name = check_name(value, offset, limits)
            require(name not in body[key], "name-duplicate", offset)
            body[key].append(name)
        elif is_list:
            body[key].append(reader(value, offset, limits))
        else:
            body[key] = reader(value, offset, limits)
    for tag, (key, _, is_required, _) in known.items():
        require(not is_required or key in body, "field-missing", header.fields_end, tag)
    if header.kind == "Cancel" and not header.is_reply:
        require(len(body) > 0, "field-missing", header.fields_end)
    if TAGS["tensor"] in known:
        body[known[TAGS["tensor"]][0]] = tensors.tensors
    tensors.finish()
    return body


def read_frame(data, limits=None, expect=None):
    """Reads a whole frame; returns its meaning or raises WireError.

    `expect` is what the caller wants to read, a dictionary with `kind` and `reply`.
    """
    limits = limits or Limits()
    header = read_header(data, limits)
    require(header.frame_byte_count == len(data), "frame-length-mismatch", 0,
            header.frame_byte_count, len(data))
    if expect:
        require(header.is_reply == expect["reply"], "direction-unexpected", 16)
        require(header.kind == expect["kind"], "kind-unexpected", 14)
        if "status" in expect:
            require((STATUS_NAMES[header.status] == "OK") == (expect["status"] == "OK"),
                    "status-unexpected", 18)
    meaning = {
        "kind": header.kind or header.kind_code,
        "reply": header.is_reply,
        "correlation_id": header.correlation_id,
    }
    if header.is_reply:
        meaning["status"] = STATUS_NAMES[header.status]
        if header.microseconds is not None:
            meaning["retry_after_microseconds"] = header.microseconds
    else:
        meaning["priority"] = header.priority
        if header.microseconds is not None:
            meaning["budget_microseconds"] = header.microseconds
        if header.idempotency_key is not None:
            meaning["idempotency_key"] = header.idempotency_key.hex()
        if header.kind == "ModelInfer":
            meaning["wants_phase_times"] = header.wants_phase_times
    meaning["body"] = read_body(data, header, limits)
    return meaning


def pack_string(text):
    return struct.pack("<H", len(text.encode())) + text.encode()


def pack_descriptor(descriptor):
    dimensions = descriptor.get("dimensions")
    value = bytes([ELEMENT_TYPES[descriptor["element_type"]][0],
                   UNKNOWN_RANK if dimensions is None else len(dimensions)])
    value += pack_string(descriptor["name"])
    for dimension in dimensions or []:
        if dimension is None:
            value += b"\x02"
        elif isinstance(dimension, str):
            value += b"\x01" + pack_string(dimension)
        else:
            value += b"\x00" + struct.pack("<Q", dimension)
    return value


def pack_value(tag_name, value):
    if tag_name in ("input", "output"):
        return pack_descriptor(value)
    if tag_name == "index_entry":
        return (struct.pack("<QB", value["version"], STATES[value["state"]])
                + pack_string(value["name"]) + pack_string(value["reason"]))
    if tag_name == "phase_times":
        return struct.pack("<6Q", *(value[phase] for phase in PHASES + ["total"]))
    if tag_name == "tensor":
        return pack_record(value["name"], value["element_type"], value["shape"],
                           bytes.fromhex(value["payload"]))
    if tag_name == "target_idempotency_key":
        return bytes.fromhex(value)
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int):
        return struct.pack("<Q", value)
    return value.encode()


def write_frame(meaning):
    """Writes the frame that has this meaning."""
    kind = meaning["kind"]
    header = Header(KINDS.get(kind, kind), meaning["correlation_id"], meaning["reply"])
    if header.is_reply:
        header.status = STATUS_NAMES.index(meaning["status"])
        header.microseconds = meaning.get("retry_after_microseconds")
    else:
        header.priority = meaning["priority"]
        header.microseconds = meaning.get("budget_microseconds")
        header.wants_phase_times = meaning.get("wants_phase_times", False)
        if "idempotency_key" in meaning:
            header.idempotency_key = bytes.fromhex(meaning["idempotency_key"])
    writer = Writer(header)
    body = meaning["body"]
    for tag_name, (key, _, _, is_list) in sorted(
            message_fields(header).items(), key=lambda item: TAGS[item[0]]):
        values = body.get(key, []) if is_list else [body[key]] if key in body else []
        for value in values:
            writer.add(tag_name, pack_value(tag_name, value))
            if tag_name == "tensor":
                writer.payloads.append(bytes.fromhex(value["payload"]))
    return writer.finish()
