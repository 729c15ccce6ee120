"""Tensors of the wire protocol (section 5 of ../README.md)."""

import struct

from frame import INT64_MAX, WireError, aligned, check_name, require

ELEMENT_TYPES = {
    "BOOL": (1, 1), "UINT8": (2, 1), "UINT16": (3, 2), "UINT32": (4, 4), "UINT64": (5, 8),
    "INT8": (6, 1), "INT16": (7, 2), "INT32": (8, 4), "INT64": (9, 8), "FP16": (10, 2),
    "FP32": (11, 4), "FP64": (12, 8), "BYTES": (13, None), "BF16": (14, 2),
}
TYPE_NAMES = {code: name for name, (code, _) in ELEMENT_TYPES.items()}
RECORD = struct.Struct("<BBHIQ")
RANK_LIMIT = 8
UNKNOWN_RANK = 255


def element_count(shape):
    count = 1
    for size in shape:
        count *= size
    return count


def pack_record(name, element_type, shape, payload):
    encoded = name.encode()
    return (RECORD.pack(ELEMENT_TYPES[element_type][0], len(shape), len(encoded), 0, len(payload))
            + struct.pack(f"<{len(shape)}Q", *shape) + encoded)


def read_record(value, offset, frame_byte_count, limits):
    """A `tensor` field, in the order of section 5.1."""
    require(len(value) >= RECORD.size, "field-length-mismatch", offset, RECORD.size, len(value))
    type_code, rank, name_length, reserved, payload_length = RECORD.unpack_from(value)
    require(type_code in TYPE_NAMES, "element-type-unknown", offset, None, type_code)
    require(rank <= RANK_LIMIT, "rank-too-large", offset + 1, RANK_LIMIT, rank)
    require(reserved == 0, "field-not-zero", offset + 4, 0, reserved)
    name_start = RECORD.size + 8 * rank
    require(len(value) == name_start + name_length, "field-length-mismatch", offset,
            name_start + name_length, len(value))
    name = check_name(value[name_start:], offset + name_start, limits)
    shape = list(struct.unpack_from(f"<{rank}Q", value, RECORD.size))
    require(all(size <= INT64_MAX for size in shape), "shape-overflow", offset + RECORD.size)
    count = element_count(shape)
    require(count <= INT64_MAX, "shape-overflow", offset + RECORD.size)
    element_type = TYPE_NAMES[type_code]
    width = ELEMENT_TYPES[element_type][1]
    if width is not None:
        require(count * width <= INT64_MAX, "shape-overflow", offset + RECORD.size)
        require(count * width == payload_length, "payload-length-mismatch", offset + 8,
                count * width, payload_length)
    require(payload_length <= frame_byte_count, "payload-overrun", offset + 8, frame_byte_count,
            payload_length)
    return name, element_type, shape, payload_length


def check_payload(element_type, shape, payload, offset, limits):
    """Sections 5.3 and 5.4."""
    if element_type == "BOOL":
        for index, byte in enumerate(payload):
            require(byte <= 1, "bool-out-of-range", offset + index, 1, byte)
    if element_type == "BYTES":
        count, cursor, index = element_count(shape), 0, 0
        require(count <= limits.bytes_element_count, "bytes-element-count-too-large", offset,
                limits.bytes_element_count, count)
        while cursor < len(payload):
            require(index < count, "bytes-element-count-mismatch", offset + cursor, count)
            require(len(payload) - cursor >= 4, "bytes-element-truncated", offset + cursor)
            (length,) = struct.unpack_from("<I", payload, cursor)
            require(length <= limits.bytes_element_byte_count, "bytes-element-too-long",
                    offset + cursor, limits.bytes_element_byte_count, length)
            require(length <= len(payload) - cursor - 4, "bytes-element-truncated", offset + cursor)
            cursor, index = cursor + 4 + length, index + 1
        require(index == count, "bytes-element-count-mismatch", offset + cursor, count, index)


class TensorList:
    """Reads the tensors of a frame, field by field, and keeps track of their payloads."""

    def __init__(self, data, fields_end, limits):
        self.data, self.end, self.limits = data, fields_end, limits
        self.tensors = []

    def read(self, value, offset):
        require(len(self.tensors) < self.limits.tensor_count, "tensor-count-too-large", offset,
                self.limits.tensor_count, len(self.tensors) + 1)
        name, element_type, shape, length = read_record(value, offset, len(self.data), self.limits)
        if any(tensor["name"] == name for tensor in self.tensors):
            raise WireError("name-duplicate", offset)
        start = aligned(self.end) if length > 0 else self.end
        require(start + length <= len(self.data), "payload-overrun", start, length,
                max(len(self.data) - start, 0))
        padding = bytes(self.data[self.end:start])
        require(not any(padding), "padding-not-zero", self.end)
        payload = bytes(self.data[start:start + length])
        check_payload(element_type, shape, payload, start, self.limits)
        self.end = start + length
        self.tensors.append({"name": name, "element_type": element_type, "shape": shape,
                             "payload": payload.hex()})

    def finish(self):
        require(self.end == len(self.data), "trailing-bytes", self.end, self.end, len(self.data))
