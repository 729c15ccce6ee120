"""The frame of Tern's wire protocol, version 1: header, fields, names, payload places.

Written from ../README.md alone; section numbers refer to it. Standard library only.
"""

import struct
from dataclasses import dataclass, field

HEADER = struct.Struct("<Q4sHHHHIQQ16sb3s")
HEADER_BYTE_COUNT = 60
MAGIC = b"TERN"
VERSION = 1
FIELD = struct.Struct("<HHI")
CRITICAL_TAG_BIT = 0x8000
INT64_MAX = 2**63 - 1

# Section 2.2.
FLAG_REPLY = 1
FLAG_HAS_MICROSECONDS = 2
FLAG_HAS_IDEMPOTENCY_KEY = 4
FLAG_WANTS_PHASE_TIMES = 8
FLAGS_UNKNOWN_CRITICAL = 0x00F0

# Section 3.
KINDS = {
    "ServerLive": 1,
    "ServerReady": 2,
    "ServerMetadata": 3,
    "ModelReady": 4,
    "ModelMetadata": 5,
    "ModelInfer": 6,
    "RepositoryIndex": 7,
    "RepositoryModelLoad": 8,
    "RepositoryModelUnload": 9,
    "Cancel": 10,
}
KIND_NAMES = {code: name for name, code in KINDS.items()}

# Section 8 and error-codes.json.
STATUS_NAMES = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
]

# Section 4.1: the tags that may stand in a frame only once.
TAGS = {
    "model_name": 0x01, "model_version": 0x02, "model_label": 0x03, "request_id": 0x04,
    "wanted_output": 0x05, "phase_times": 0x06, "tensor": 0x07,
    "target_correlation_id": 0x10, "target_idempotency_key": 0x11, "was_in_flight": 0x12,
    "is_true": 0x20, "server_name": 0x21, "server_version": 0x22, "extension": 0x23,
    "protocol_version": 0x24, "platform": 0x25, "available_version": 0x26, "input": 0x27,
    "output": 0x28, "ready_only": 0x30, "index_entry": 0x31,
    "error_message": 0x40, "error_subject": 0x41, "error_expected": 0x42, "error_found": 0x43,
}
REPEATABLE_TAGS = {
    TAGS[name]
    for name in ("wanted_output", "tensor", "extension", "protocol_version", "available_version",
                 "input", "output", "index_entry")
}
DEFINED_TAGS = set(TAGS.values())


@dataclass
class Limits:
    """Section 7, with its defaults."""

    frame_byte_count: int = 256 << 20
    fields_byte_count: int = 1 << 20
    field_count: int = 16384
    tensor_count: int = 128
    wanted_output_count: int = 128
    name_byte_count: int = 256
    text_byte_count: int = 4096
    bytes_element_count: int = 1 << 20
    bytes_element_byte_count: int = 16 << 20


class WireError(Exception):
    """Bytes that are not an acceptable frame; `identity` is one of error-codes.json's defects."""

    UNIMPLEMENTED = {"version-unsupported", "kind-unknown", "flag-unknown", "field-unknown"}

    def __init__(self, identity, offset=0, expected=None, found=None):
        super().__init__(f"{identity} at byte {offset}: expected {expected}, found {found}")
        self.identity = identity
        self.offset = offset
        self.code = "UNIMPLEMENTED" if identity in self.UNIMPLEMENTED else "INVALID_ARGUMENT"


def require(condition, identity, offset=0, expected=None, found=None):
    if not condition:
        raise WireError(identity, offset, expected, found)


@dataclass
class Header:
    """Section 2. `frame_byte_count` and `fields_byte_count` are filled in by the writer."""

    kind_code: int
    correlation_id: int
    is_reply: bool = False
    status: int = 0
    wants_phase_times: bool = False
    microseconds: int | None = None
    idempotency_key: bytes | None = None
    priority: int = 0
    frame_byte_count: int = HEADER_BYTE_COUNT
    fields_byte_count: int = 0

    @property
    def kind(self):
        return KIND_NAMES.get(self.kind_code)

    @property
    def fields_end(self):
        return HEADER_BYTE_COUNT + self.fields_byte_count

    def pack(self):
        flags = FLAG_REPLY if self.is_reply else 0
        if self.microseconds is not None:
            flags |= FLAG_HAS_MICROSECONDS
        if self.idempotency_key is not None:
            flags |= FLAG_HAS_IDEMPOTENCY_KEY
        if self.wants_phase_times:
            flags |= FLAG_WANTS_PHASE_TIMES
        return HEADER.pack(
            self.frame_byte_count, MAGIC, VERSION, self.kind_code, flags, self.status,
            self.fields_byte_count, self.correlation_id, self.microseconds or 0,
            self.idempotency_key or bytes(16), self.priority, bytes(3))


def read_header(data, limits):
    """Checks in the order of section 2.3."""
    require(len(data) >= HEADER_BYTE_COUNT, "frame-truncated", 0, HEADER_BYTE_COUNT, len(data))
    (length, magic, version, kind_code, flags, status, fields_byte_count, correlation_id,
     microseconds, key, priority, reserved) = HEADER.unpack_from(data)
    require(magic == MAGIC, "magic-mismatch", 8, MAGIC, magic)
    require(version == VERSION, "version-unsupported", 12, VERSION, version)
    require(length >= HEADER_BYTE_COUNT, "frame-too-small", 0, HEADER_BYTE_COUNT, length)
    require(length <= limits.frame_byte_count, "frame-too-large", 0, limits.frame_byte_count, length)

    require(flags & FLAGS_UNKNOWN_CRITICAL == 0, "flag-unknown", 16, 0, flags)
    is_reply = bool(flags & FLAG_REPLY)
    require(status < len(STATUS_NAMES), "status-unknown", 18, "0 to 16", status)
    require(is_reply or status == 0, "status-unexpected", 18, 0, status)
    is_error = is_reply and status != 0
    require(kind_code in KIND_NAMES or is_error, "kind-unknown", 14, "a kind", kind_code)
    if flags & FLAG_WANTS_PHASE_TIMES:
        require(not is_reply and kind_code == KINDS["ModelInfer"], "flag-unexpected", 16)
    if flags & FLAG_HAS_IDEMPOTENCY_KEY:
        require(not is_reply, "flag-unexpected", 16)
    if flags & FLAG_HAS_MICROSECONDS:
        require(not is_reply or is_error, "flag-unexpected", 16)
    else:
        require(microseconds == 0, "header-not-zero", 32, 0, microseconds)
    if not flags & FLAG_HAS_IDEMPOTENCY_KEY:
        require(key == bytes(16), "header-not-zero", 40, 0, key)
    require(not is_reply or priority == 0, "header-not-zero", 56, 0, priority)
    require(reserved == bytes(3), "header-not-zero", 57, 0, reserved)

    require(fields_byte_count <= limits.fields_byte_count, "fields-too-large", 20,
            limits.fields_byte_count, fields_byte_count)
    require(fields_byte_count <= length - HEADER_BYTE_COUNT, "fields-overrun", 20,
            length - HEADER_BYTE_COUNT, fields_byte_count)
    return Header(
        kind_code, correlation_id, is_reply, status, bool(flags & FLAG_WANTS_PHASE_TIMES),
        microseconds if flags & FLAG_HAS_MICROSECONDS else None,
        key if flags & FLAG_HAS_IDEMPOTENCY_KEY else None, priority, length, fields_byte_count)


def read_fields(data, header, limits):
    """Section 4: yields (tag, offset of the value, value)."""
    cursor, end, count, previous = HEADER_BYTE_COUNT, header.fields_end, 0, None
    while cursor < end:
        require(count < limits.field_count, "field-count-too-large", cursor, limits.field_count)
        require(end - cursor >= FIELD.size, "field-truncated", cursor, FIELD.size, end - cursor)
        tag, reserved, length = FIELD.unpack_from(data, cursor)
        require(reserved == 0, "field-not-zero", cursor + 2, 0, reserved)
        if previous is not None:
            require(tag >= previous, "field-out-of-order", cursor, previous, tag)
            if tag == previous and tag in DEFINED_TAGS:
                require(tag in REPEATABLE_TAGS, "field-repeated", cursor, 1, 2)
        start = cursor + FIELD.size
        require(length <= end - start, "field-truncated", cursor + 4, length, end - start)
        yield tag, start, bytes(data[start:start + length])
        cursor, count, previous = start + length, count + 1, tag


def check_name(value, offset, limits):
    """Section 4.2."""
    require(len(value) > 0, "name-empty", offset, 1, 0)
    require(len(value) <= limits.name_byte_count, "name-too-long", offset,
            limits.name_byte_count, len(value))
    for index, byte in enumerate(value):
        require(byte >= 0x20 and byte != 0x7F, "name-has-control-character", offset + index)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("name-not-utf8", offset) from error


def check_text(value, offset, limits):
    require(len(value) <= limits.text_byte_count, "text-too-long", offset,
            limits.text_byte_count, len(value))
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("text-not-utf8", offset) from error


def aligned(offset):
    """The first offset from `offset` on that is 60 modulo 64 (section 5.2)."""
    return offset + (60 - offset) % 64


@dataclass
class Writer:
    """Collects fields and payloads and puts a frame together."""

    header: Header
    fields: bytearray = field(default_factory=bytearray)
    payloads: list = field(default_factory=list)

    def add(self, name_or_tag, value):
        tag = TAGS.get(name_or_tag, name_or_tag)
        self.fields += FIELD.pack(tag, 0, len(value)) + value

    def finish(self):
        frame = bytearray(HEADER_BYTE_COUNT) + self.fields
        for payload in self.payloads:
            if payload:
                frame += bytes(aligned(len(frame)) - len(frame)) + payload
        self.header.frame_byte_count = len(frame)
        self.header.fields_byte_count = len(self.fields)
        frame[:HEADER_BYTE_COUNT] = self.header.pack()
        return bytes(frame)
