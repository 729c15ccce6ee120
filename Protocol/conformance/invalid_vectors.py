"""The frames of ../vectors/invalid: each is a valid frame with one thing wrong."""

import struct

from frame import HEADER_BYTE_COUNT, TAGS, Header, KINDS, Writer
from messages import write_frame
from tensors import pack_record
from valid_vectors import PIXELS, VECTORS as VALID, byte_strings


def base(name):
    return bytearray(write_frame(VALID[name][1]))


def patched(name, offset, value):
    frame = base(name)
    frame[offset:offset + len(value)] = value
    return bytes(frame)


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def frame_of(kind, fields, payloads=(), is_reply=False, status=0):
    """A frame with fields as given: (tag name or number, value)."""
    writer = Writer(Header(KINDS[kind], 1, is_reply, status))
    for tag, value in fields:
        writer.add(tag, value)
    writer.payloads = list(payloads)
    return writer.finish()


def infer_of(record, payload=b"", more=()):
    return frame_of("ModelInfer", [("model_name", b"digits"), *more, ("tensor", record)], [payload])


def record(type_code=11, rank=None, shape=(4,), name=b"pixels", name_length=None, reserved=0,
           payload_length=16):
    """A tensor's record, right unless told otherwise."""
    rank = len(shape) if rank is None else rank
    name_length = len(name) if name_length is None else name_length
    return (struct.pack("<BBHIQ", type_code, rank, name_length, reserved, payload_length)
            + struct.pack(f"<{len(shape)}Q", *shape) + name)


def phases(*numbers):
    return frame_of("ModelInfer", [("model_version", u64(1)), ("phase_times",
                                                               struct.pack("<6Q", *numbers))],
                    is_reply=True)


def named(name):
    return frame_of("ModelReady", [("model_name", name)])


def descriptor(value):
    return frame_of("ModelMetadata", [("model_name", b"m"), ("model_version", u64(1)),
                                      ("platform", b"onnx"), ("input", value)], is_reply=True)


def index_entry(value):
    return frame_of("RepositoryIndex", [("index_entry", value)], is_reply=True)


def padded(position, byte):
    """infer-request with a byte of its padding set; `position` counts from the fields' end."""
    frame = base("infer-request")
    (fields_byte_count,) = struct.unpack_from("<I", frame, 20)
    frame[HEADER_BYTE_COUNT + fields_byte_count + position] = byte
    return bytes(frame)


def longer(frame, extra):
    """`frame` with bytes behind its end that its length includes."""
    frame = bytearray(frame) + extra
    frame[0:8] = u64(len(frame))
    return bytes(frame)


def shorter(frame, byte_count):
    """`frame` without its last bytes, its length told accordingly."""
    frame = bytearray(frame[:-byte_count])
    frame[0:8] = u64(len(frame))
    return bytes(frame)


LIVE, INFER, INFER_REPLY = "server-live-request", "infer-request", "infer-reply"
FIELD_HEADER = struct.Struct("<HHI")
GOOD_PAYLOAD = bytes.fromhex(PIXELS["payload"])

# name: (description, defect, frame[, what the reader expects][, limits other than the defaults])
VECTORS = {
    # The frame as a whole.
    "empty": ("No bytes.", "frame-truncated", b""),
    "one-byte": ("One byte.", "frame-truncated", bytes(base(LIVE)[:1])),
    "header-cut-short": ("59 bytes of a header.", "frame-truncated", bytes(base(LIVE)[:59])),
    "magic-wrong": ("Another protocol.", "magic-mismatch", patched(LIVE, 8, b"HTTP")),
    "magic-reversed": ("The magic in the wrong byte order.", "magic-mismatch",
                       patched(LIVE, 8, b"NRET")),
    "all-zero": ("60 zero bytes.", "magic-mismatch", bytes(60)),
    "version-0": ("There is no version 0.", "version-unsupported", patched(LIVE, 12, u16(0))),
    "version-2": ("A later version, whose header may go on differently.", "version-unsupported",
                  patched(LIVE, 12, u16(2))),
    "frame-length-0": ("A length of 0.", "frame-too-small", patched(LIVE, 0, u64(0))),
    "frame-length-59": ("Shorter than a header.", "frame-too-small", patched(LIVE, 0, u64(59))),
    "frame-length-over-limit": ("One byte over the limit; the bytes need not be there.",
                                "frame-too-large", patched(LIVE, 0, u64((256 << 20) + 1))),
    "frame-length-2-63": ("2^63 bytes.", "frame-too-large", patched(LIVE, 0, u64(2**63))),
    "frame-length-largest": ("2^64 - 1 bytes.", "frame-too-large", patched(LIVE, 0, u64(2**64 - 1))),
    "frame-longer-than-told": ("A byte behind the end.", "frame-length-mismatch",
                               bytes(base(LIVE)) + b"\0"),
    "frame-shorter-than-told": ("The last byte is missing.", "frame-length-mismatch",
                                bytes(base(INFER)[:-1])),

    # The header.
    "kind-0": ("No call has the code 0.", "kind-unknown", patched(LIVE, 14, u16(0))),
    "kind-11": ("The first code that no call has.", "kind-unknown", patched(LIVE, 14, u16(11))),
    "kind-unknown-in-reply": ("Only error replies may have an unknown kind.", "kind-unknown",
                              patched("server-live-reply", 14, u16(999))),
    "kind-unexpected": ("A reader of ModelInfer meets a ModelReady request.", "kind-unexpected",
                        bytes(base("model-ready-request")), {"kind": "ModelInfer", "reply": False}),
    "direction-unexpected": ("A server meets a reply.", "direction-unexpected",
                             bytes(base(INFER_REPLY)), {"kind": "ModelInfer", "reply": False}),
    "direction-unexpected-request": ("A client meets a request.", "direction-unexpected",
                                     bytes(base(INFER)), {"kind": "ModelInfer", "reply": True}),
    "status-unexpected-error": (
        "A reader of outputs meets an error reply.", "status-unexpected",
        bytes(base("error-overloaded")), {"kind": "ModelInfer", "reply": True, "status": "OK"}),
    "flag-critical-4": ("The lowest flag that this version must know and doesn't.", "flag-unknown",
                        patched(LIVE, 16, u16(0x10))),
    "flag-critical-7": ("The highest such flag.", "flag-unknown", patched(LIVE, 16, u16(0x80))),
    "flag-phase-times-elsewhere": ("Only ModelInfer has phase times.", "flag-unexpected",
                                   patched(LIVE, 16, u16(8))),
    "flag-phase-times-in-reply": ("Only requests want something.", "flag-unexpected",
                                  patched(INFER_REPLY, 16, u16(1 | 8))),
    "flag-key-in-reply": ("Replies have no idempotency key.", "flag-unexpected",
                          patched(INFER_REPLY, 16, u16(1 | 4))),
    "flag-retry-in-success": ("A success has no time to try again.", "flag-unexpected",
                              patched(INFER_REPLY, 16, u16(1 | 2))),
    "status-17": ("The first number that is no code.", "status-unknown",
                  patched(INFER_REPLY, 18, u16(17))),
    "status-in-request": ("Requests have no status.", "status-unexpected",
                          patched(LIVE, 18, u16(3))),
    "budget-without-flag": ("A time that the flags say is absent.", "header-not-zero",
                            patched(LIVE, 32, u64(1))),
    "key-without-flag": ("A key that the flags say is absent.", "header-not-zero",
                         patched(LIVE, 55, b"\x01")),
    "priority-in-reply": ("Replies have no priority.", "header-not-zero",
                          patched("server-live-reply", 56, b"\x01")),
    "reserved-57": ("A reserved byte.", "header-not-zero", patched(LIVE, 57, b"\x01")),
    "reserved-59": ("The last reserved byte.", "header-not-zero", patched(LIVE, 59, b"\x80")),

    # The fields.
    "fields-overrun": ("Fields that end behind the frame.", "fields-overrun",
                       patched(LIVE, 20, u32(1))),
    "fields-too-large": ("Fields over the limit.", "fields-too-large",
                         patched(LIVE, 20, u32((1 << 20) + 1))),
    "field-count-too-large": (
        "Five fields where four are the limit.", "field-count-too-large",
        frame_of("ServerLive", [(0x7000, b"")] * 5), None, {"field_count": 4}),
    "field-header-cut": ("Seven bytes of a field.", "field-truncated",
                         longer(patched(LIVE, 20, u32(7)), bytes(7))),
    "field-value-cut": ("A value that ends behind the fields.", "field-truncated",
                        longer(patched(LIVE, 20, u32(9)), FIELD_HEADER.pack(1, 0, 2) + b"d")),
    "field-length-largest": ("A value of 2^32 - 1 bytes.", "field-truncated",
                             longer(patched(LIVE, 20, u32(8)), FIELD_HEADER.pack(1, 0, 2**32 - 1))),
    "field-reserved": ("Bytes 2 and 3 of a field.", "field-not-zero",
                       longer(patched(LIVE, 20, u32(8)), FIELD_HEADER.pack(1, 256, 0))),
    "field-order": ("The version before the name.", "field-out-of-order",
                    frame_of("ModelReady", [("model_version", u64(1)), ("model_name", b"m")])),
    "field-order-of-unknown": ("The order holds for unknown tags too.", "field-out-of-order",
                               frame_of("ServerLive", [(0x7001, b""), (0x7000, b"")])),
    "field-repeated": ("Two names.", "field-repeated",
                       frame_of("ModelReady", [("model_name", b"m"), ("model_name", b"m")])),
    "field-repeated-skipped": (
        "A known field may stand once even where it is skipped.", "field-repeated",
        frame_of("ServerLive", [("model_version", u64(1)), ("model_version", u64(1))])),
    "field-missing-name": ("No model.", "field-missing", frame_of("ModelInfer", [])),
    "field-missing-version": ("A reply that doesn't say which version answered.", "field-missing",
                              frame_of("ModelInfer", [], is_reply=True)),
    "field-missing-truth": ("Ready or not?", "field-missing",
                            frame_of("ServerReady", [], is_reply=True)),
    "field-missing-target": ("Cancel what?", "field-missing", frame_of("Cancel", [])),
    "field-missing-message": ("An error without a message.", "field-missing",
                              frame_of("Cancel", [], is_reply=True, status=13)),
    "version-and-label": (
        "Both a version and a label.", "field-conflict",
        frame_of("ModelInfer", [("model_name", b"m"), ("model_version", u64(1)),
                                ("model_label", b"stable")])),
    "field-critical": ("An unknown field that may not be skipped.", "field-unknown",
                       frame_of("ServerLive", [(0x8000, b"")])),
    "field-critical-last": ("The last tag there is.", "field-unknown",
                            frame_of("ModelReady", [("model_name", b"m"), (0xFFFF, b"x")])),
    "version-of-4-bytes": ("A number of the wrong size.", "field-length-mismatch",
                           frame_of("ModelReady", [("model_name", b"m"), ("model_version", u32(1))])),
    "version-zero": ("Versions start at 1.", "value-out-of-range",
                     frame_of("ModelReady", [("model_name", b"m"), ("model_version", u64(0))])),
    "version-negative": ("2^63 is negative to half of the world.", "value-out-of-range",
                         frame_of("ModelReady", [("model_name", b"m"), ("model_version", u64(2**63))])),
    "truth-2": ("Neither true nor false.", "value-out-of-range",
                frame_of("ServerLive", [("is_true", b"\x02")], is_reply=True)),
    "truth-without-value": ("A truth value of no bytes.", "field-length-mismatch",
                            frame_of("ServerLive", [("is_true", b"")], is_reply=True)),
    "key-of-15-bytes": ("A key of the wrong size.", "field-length-mismatch",
                        frame_of("Cancel", [("target_idempotency_key", bytes(15))])),

    # Names and texts.
    "name-empty": ("A model without a name.", "name-empty", named(b"")),
    "name-too-long": ("257 bytes.", "name-too-long", named(b"n" * 257)),
    "name-truncated-utf8": ("The first byte of two.", "name-not-utf8", named(b"caf\xc3")),
    "name-overlong-utf8": ("A slash in two bytes.", "name-not-utf8", named(b"a\xc0\xafb")),
    "name-surrogate": ("Half of a UTF-16 pair.", "name-not-utf8", named(b"\xed\xa0\x80")),
    "name-beyond-unicode": ("U+110000.", "name-not-utf8", named(b"\xf4\x90\x80\x80")),
    "name-with-nul": ("A zero byte.", "name-has-control-character", named(b"digits\0")),
    "name-with-newline": ("A forged log line.", "name-has-control-character",
                          named(b"digits\nall good")),
    "name-with-delete": ("U+007F.", "name-has-control-character", named(b"digits\x7f")),
    "text-too-long": ("A message of 4097 bytes.", "text-too-long",
                      frame_of("Cancel", [("error_message", b"x" * 4097)], is_reply=True, status=2)),
    "text-not-utf8": ("Latin-1.", "text-not-utf8",
                      frame_of("Cancel", [("error_message", b"\xe9")], is_reply=True, status=2)),
    "wanted-output-twice": (
        "The same output twice.", "name-duplicate",
        frame_of("ModelInfer", [("model_name", b"m"), ("wanted_output", b"a"),
                                ("wanted_output", b"b"), ("wanted_output", b"a")])),
    "wanted-outputs-129": (
        "One more than there may be.", "wanted-output-count-too-large",
        frame_of("ModelInfer", [("model_name", b"m")] + [
            ("wanted_output", b"%d" % index) for index in range(129)])),

    # Tensors.
    "tensor-twice": (
        "Two inputs with one name.", "name-duplicate",
        frame_of("ModelInfer", [("model_name", b"m"), ("tensor", pack_record("x", "UINT8", [0], b"")),
                                ("tensor", pack_record("y", "UINT8", [0], b"")),
                                ("tensor", pack_record("x", "INT8", [0], b""))])),
    "tensors-129": (
        "One more than there may be.", "tensor-count-too-large",
        frame_of("ModelInfer", [("model_name", b"m")] + [
            ("tensor", pack_record(f"t{index}", "UINT8", [0], b"")) for index in range(129)])),
    "tensor-type-0": ("No type has the code 0.", "element-type-unknown",
                      infer_of(record(type_code=0), GOOD_PAYLOAD)),
    "tensor-type-15": ("The first code that no type has.", "element-type-unknown",
                       infer_of(record(type_code=15), GOOD_PAYLOAD)),
    "tensor-rank-9": ("Nine axes.", "rank-too-large",
                      infer_of(record(shape=(1,) * 8 + (4,)), GOOD_PAYLOAD)),
    "tensor-record-empty": ("A record of no bytes.", "field-length-mismatch", infer_of(b"")),
    "tensor-record-15": ("One byte too few for its fixed part.", "field-length-mismatch",
                         infer_of(record()[:15])),
    "tensor-record-cut": ("The name is one byte shorter than told.", "field-length-mismatch",
                          infer_of(record()[:-1], GOOD_PAYLOAD)),
    "tensor-record-long": ("A byte behind the name.", "field-length-mismatch",
                           infer_of(record() + b"x", GOOD_PAYLOAD)),
    "tensor-name-length-largest": ("A name of 65535 bytes that aren't there.",
                                   "field-length-mismatch",
                                   infer_of(record(name_length=65535), GOOD_PAYLOAD)),
    "tensor-name-empty": ("An input without a name.", "name-empty",
                          infer_of(record(name=b""), GOOD_PAYLOAD)),
    "tensor-reserved": ("Bytes 4 to 7 of a record.", "field-not-zero",
                        infer_of(record(reserved=1), GOOD_PAYLOAD)),
    "tensor-size-negative": ("An axis of 2^63.", "shape-overflow",
                             infer_of(record(shape=(2**63,), payload_length=0))),
    "tensor-elements-overflow": ("2^64 elements.", "shape-overflow",
                                 infer_of(record(shape=(2**32, 2**32), payload_length=0))),
    "tensor-elements-wrap": ("Elements that wrap around to 4.", "shape-overflow",
                             infer_of(record(shape=(2**62, 4, 2**62 + 1), payload_length=16),
                                      GOOD_PAYLOAD)),
    "tensor-bytes-overflow": ("2^62 elements of 4 bytes.", "shape-overflow",
                              infer_of(record(shape=(2**62,), payload_length=0))),
    "payload-too-short": ("15 bytes for 4 FP32.", "payload-length-mismatch",
                          infer_of(record(payload_length=15), bytes(15))),
    "payload-too-long": ("17 bytes for 4 FP32.", "payload-length-mismatch",
                         infer_of(record(payload_length=17), bytes(17))),
    "payload-for-nothing": ("Bytes for a tensor without elements.", "payload-length-mismatch",
                            infer_of(record(shape=(0,), payload_length=4), bytes(4))),
    "payload-cut": ("The last byte of a payload is missing.", "payload-overrun",
                    shorter(base(INFER), 1)),
    "payload-absent": ("A payload and its padding are missing.", "payload-overrun",
                       infer_of(record())),
    "payload-of-strings-largest": ("A BYTES payload of 2^64 - 1 bytes.", "payload-overrun",
                                   infer_of(record(type_code=13, payload_length=2**64 - 1))),
    "padding-first": ("The first byte of the padding.", "padding-not-zero", padded(0, 1)),
    "padding-last": (
        "The last byte of the padding, where a wrong reader would begin.", "padding-not-zero",
        patched(INFER, len(base(INFER)) - 17, b"\xff")),
    "trailing-byte": ("A byte behind the last payload.", "trailing-bytes",
                      longer(base(INFER), b"\0")),
    "trailing-padding": ("Padding behind the last payload.", "trailing-bytes",
                         longer(base(INFER), bytes(48))),
    "payload-without-tensor": ("Bytes behind the fields of a call that has no tensors.",
                               "trailing-bytes", longer(base(LIVE), bytes(4))),
    "bool-2": ("A BOOL of 2.", "bool-out-of-range",
               infer_of(record(type_code=1, payload_length=4), bytes([0, 1, 2, 1]))),
    "bool-255-in-the-middle": (
        "A BOOL of 255 among many.", "bool-out-of-range",
        infer_of(record(type_code=1, shape=(40,), payload_length=40),
                 bytes(20) + b"\xff" + bytes(19))),
    "bytes-too-few": ("Three strings where four are told.", "bytes-element-count-mismatch",
                      infer_of(record(type_code=13, payload_length=15),
                               byte_strings(b"a", b"b", b"c"))),
    "bytes-too-many": ("Five strings where four are told.", "bytes-element-count-mismatch",
                       infer_of(record(type_code=13, payload_length=20), bytes(20))),
    "bytes-none": ("A tensor of four strings without any bytes.", "bytes-element-count-mismatch",
                   infer_of(record(type_code=13, payload_length=0))),
    "bytes-length-cut": ("Three bytes of a length.", "bytes-element-truncated",
                         infer_of(record(type_code=13, payload_length=7), bytes(7))),
    "bytes-cut": ("A string of 5 bytes with 4.", "bytes-element-truncated",
                  infer_of(record(type_code=13, shape=(1,), payload_length=8), u32(5) + b"tern")),
    "bytes-cut-by-frame": (
        "A BYTES payload that ends behind the frame, with an element over the limit: the place is "
        "checked before the elements.", "payload-overrun",
        shorter(infer_of(record(type_code=13, shape=(1,), payload_length=8), u32(2**32 - 1) + b"tern"),
                1)),
    "bytes-elements-over-limit-empty": (
        "1048577 strings without a payload.", "bytes-element-count-too-large",
        infer_of(record(type_code=13, shape=(2**20 + 1,), payload_length=0))),
    "bytes-length-largest": ("A string of 2^32 - 1 bytes.", "bytes-element-too-long",
                             infer_of(record(type_code=13, shape=(1,), payload_length=8),
                                      u32(2**32 - 1) + b"tern")),
    "bytes-elements-over-limit": ("1048577 strings.", "bytes-element-count-too-large",
                                  infer_of(record(type_code=13, shape=(2**20 + 1,),
                                                  payload_length=4), bytes(4))),

    # Structured values of replies.
    "phases-wrong-sum": ("A nanosecond is missing.", "phase-sum-mismatch", phases(1, 2, 3, 4, 5, 14)),
    "phases-overflow": ("Phases that sum to 2^64.", "phase-sum-mismatch",
                        phases(2**64 - 1, 1, 0, 0, 0, 0)),
    "phases-cut": (
        "Five numbers instead of six.", "field-length-mismatch",
        frame_of("ModelInfer", [("model_version", u64(1)), ("phase_times", bytes(40))],
                 is_reply=True)),
    "descriptor-type": ("An input of no known type.", "element-type-unknown",
                        descriptor(b"\x00\x00" + u16(1) + b"x")),
    "descriptor-rank-9": ("Nine axes; 255 would mean that nobody knows.", "rank-too-large",
                          descriptor(b"\x0b\x09" + u16(1) + b"x" + b"\x02" * 9)),
    "descriptor-rank-254": ("The largest rank that is none.", "rank-too-large",
                            descriptor(b"\x0b\xfe" + u16(1) + b"x")),
    "descriptor-type-before-rank": ("No known type, nine axes, no name: the type comes first.",
                                    "element-type-unknown", descriptor(b"\x0f\x09" + u16(0))),
    "descriptor-type-alone": ("No known type, and nothing behind it.", "element-type-unknown",
                              descriptor(b"\xff")),
    "descriptor-axis-size-cut": ("Four bytes of a fixed size.", "field-length-mismatch",
                                 descriptor(b"\x0b\x01" + u16(1) + b"x" + b"\x00" + u32(1))),
    "descriptor-axis-3": ("An axis of no known kind.", "value-out-of-range",
                          descriptor(b"\x0b\x01" + u16(1) + b"x" + b"\x03")),
    "descriptor-axis-missing": ("One axis of two.", "field-length-mismatch",
                                descriptor(b"\x0b\x02" + u16(1) + b"x" + b"\x02")),
    "descriptor-axis-left": ("A byte behind the axes.", "field-length-mismatch",
                             descriptor(b"\x0b\x00" + u16(1) + b"x" + b"\x02")),
    "descriptor-axis-negative": ("A fixed size of 2^64 - 1.", "shape-overflow",
                                 descriptor(b"\x0b\x01" + u16(1) + b"x" + b"\x00" + u64(2**64 - 1))),
    "descriptor-axis-2-63": ("A fixed size of 2^63, the first that is too large.", "shape-overflow",
                             descriptor(b"\x0b\x01" + u16(1) + b"x" + b"\x00" + u64(2**63))),
    "descriptor-axis-unnamed": ("An axis with an empty name.", "name-empty",
                                descriptor(b"\x0b\x01" + u16(1) + b"x" + b"\x01" + u16(0))),
    "index-state-0": ("A state that there is not.", "value-out-of-range",
                      index_entry(u64(1) + b"\0" + u16(1) + b"m" + u16(0))),
    "index-version-0": ("Versions start at 1.", "value-out-of-range",
                        index_entry(u64(0) + b"\x01" + u16(1) + b"m" + u16(0))),
    "index-reason-cut": ("A reason of 2 bytes with 1.", "field-length-mismatch",
                         index_entry(u64(1) + b"\x04" + u16(1) + b"m" + u16(2) + b"x")),
}


def all_vectors():
    """Yields (name, description, defect, frame, expectation, limits)."""
    for name, vector in VECTORS.items():
        description, defect, frame = vector[:3]
        expect = vector[3] if len(vector) > 3 else None
        limits = vector[4] if len(vector) > 4 else None
        yield name, description, defect, bytes(frame), expect, limits
