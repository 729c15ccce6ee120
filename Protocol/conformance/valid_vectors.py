"""The frames of ../vectors/valid: name -> (description, meaning[, bytes of a non-canonical spelling])."""

import struct

from frame import TAGS, Writer, Header, KINDS
from messages import pack_value, write_frame


def request(kind, body=None, correlation_id=1, priority=0, **header):
    return {"kind": kind, "reply": False, "correlation_id": correlation_id, "priority": priority,
            **header, "body": body or {}}


def reply(kind, body=None, correlation_id=1, status="OK", **header):
    return {"kind": kind, "reply": True, "correlation_id": correlation_id, "status": status,
            **header, "body": body or {}}


def tensor(name, element_type, shape, payload):
    return {"name": name, "element_type": element_type, "shape": shape, "payload": payload.hex()}


def infer_body(inputs, **more):
    return {"model_name": "digits", **more, "wanted_outputs": more.get("wanted_outputs", []),
            "inputs": inputs}


def infer(inputs, wants_phase_times=False, header=None, **more):
    return request("ModelInfer", infer_body(inputs, **more), wants_phase_times=wants_phase_times,
                   **(header or {}))


def byte_strings(*elements):
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


KEY = bytes(range(16)).hex()
PIXELS = tensor("pixels", "FP32", [1, 4], struct.pack("<4f", 0.0, 0.5, 1.0, -2.0))
PHASES = {"receive": 1500, "queue": 20000, "batch_wait": 0, "compute": 81000, "encode": 900,
          "total": 103400}
DIMENSIONS = ["batch", 1, 8, None]

EVERY_TYPE = [
    tensor("bool", "BOOL", [5], bytes([0, 1, 1, 0, 1])),
    tensor("uint8", "UINT8", [3], bytes([0, 127, 255])),
    tensor("uint16", "UINT16", [2], struct.pack("<2H", 0, 65535)),
    tensor("uint32", "UINT32", [2], struct.pack("<2I", 0, 2**32 - 1)),
    tensor("uint64", "UINT64", [2], struct.pack("<2Q", 0, 2**64 - 1)),
    tensor("int8", "INT8", [3], struct.pack("<3b", -128, 0, 127)),
    tensor("int16", "INT16", [2], struct.pack("<2h", -2**15, 2**15 - 1)),
    tensor("int32", "INT32", [2], struct.pack("<2i", -2**31, 2**31 - 1)),
    tensor("int64", "INT64", [2], struct.pack("<2q", -2**63, 2**63 - 1)),
    tensor("fp16", "FP16", [2], struct.pack("<2e", 1.5, -65504.0)),
    tensor("fp32", "FP32", [2], struct.pack("<2f", 1.5, -3.25)),
    tensor("fp64", "FP64", [2], struct.pack("<2d", 1.5, 1e300)),
    tensor("bytes", "BYTES", [3], byte_strings(b"", b"tern", b"\x00\xff")),
    tensor("bf16", "BF16", [2], bytes.fromhex("803f00c0")),
]

VECTORS = {
    "server-live-request": ("The shortest frame there is: a header.", request("ServerLive")),
    "server-live-reply": ("The server runs.", reply("ServerLive", {"is_true": True})),
    "server-ready-request": (
        "With everything a header can hold: budget, idempotency key, priority, largest id.",
        request("ServerReady", correlation_id=2**64 - 1, budget_microseconds=250000,
                idempotency_key=KEY, priority=-128)),
    "server-ready-reply": ("Not ready is a success too.", reply("ServerReady", {"is_true": False})),
    "server-metadata-request": ("Who are you?", request("ServerMetadata")),
    "server-metadata-reply": (
        "Name, version, extensions, protocol versions.",
        reply("ServerMetadata", {"server_name": "tern", "server_version": "0.1.0",
                                 "extensions": ["model_repository", "cancel"],
                                 "protocol_versions": [1]})),
    "server-metadata-reply-short": (
        "Every list may be empty; that a server names no version of the protocol is wrong but readable.",
        reply("ServerMetadata", {"server_name": "t", "server_version": "1", "extensions": [],
                                 "protocol_versions": []})),
    "model-ready-request": ("By name only.", request("ModelReady", {"model_name": "digits"})),
    "model-ready-request-version": (
        "The largest version.",
        request("ModelReady", {"model_name": "digits", "model_version": 2**63 - 1})),
    "model-ready-request-label": (
        "By label; names may be any UTF-8 without control characters.",
        request("ModelReady", {"model_name": "числа/v2 ✓", "model_label": "stable"})),
    "model-ready-reply": ("Yes.", reply("ModelReady", {"is_true": True})),
    "model-metadata-request": (
        "One version's.", request("ModelMetadata", {"model_name": "digits", "model_version": 2})),
    "model-metadata-reply": (
        "All kinds of axes, a scalar, and an output whose rank the model doesn't say.",
        reply("ModelMetadata", {
            "model_name": "digits", "model_version": 2, "platform": "onnx",
            "available_versions": [1, 2],
            "inputs": [
                {"name": "pixels", "element_type": "FP32", "dimensions": DIMENSIONS},
                {"name": "threshold", "element_type": "FP64", "dimensions": []}],
            "outputs": [
                {"name": "probabilities", "element_type": "FP32", "dimensions": ["batch", 10]},
                {"name": "words", "element_type": "BYTES"}]})),
    "repository-index-request": (
        "Everything there is.", request("RepositoryIndex", {"ready_only": False})),
    "repository-index-request-ready": (
        "Only what answers.", request("RepositoryIndex", {"ready_only": True})),
    "repository-index-reply": (
        "Every state.",
        reply("RepositoryIndex", {"entries": [
            {"name": "digits", "version": 1, "state": "UNLOADING", "reason": "replaced by 2"},
            {"name": "digits", "version": 2, "state": "READY", "reason": ""},
            {"name": "fraud", "version": 1, "state": "LOADING", "reason": ""},
            {"name": "words", "version": 7, "state": "UNAVAILABLE",
             "reason": "node \"a\": operator Foo of version 3 is not supported"}]})),
    "repository-index-reply-empty": (
        "A repository without models.", reply("RepositoryIndex", {"entries": []})),
    "repository-model-load-request": (
        "As the server's policy says.", request("RepositoryModelLoad", {"model_name": "digits"})),
    "repository-model-load-reply": ("Loaded.", reply("RepositoryModelLoad")),
    "repository-model-unload-request": (
        "One version.",
        request("RepositoryModelUnload", {"model_name": "digits", "model_version": 1})),
    "repository-model-unload-reply": ("Unloaded.", reply("RepositoryModelUnload")),
    "cancel-request-correlation-id": (
        "A request of the same connection.", request("Cancel", {"target_correlation_id": 41}, 42)),
    "cancel-request-idempotency-key": (
        "A request of any connection.", request("Cancel", {"target_idempotency_key": KEY}, 42)),
    "cancel-request-both": (
        "Both must fit.",
        request("Cancel", {"target_correlation_id": 41, "target_idempotency_key": KEY}, 42)),
    "cancel-reply-in-flight": ("It was.", reply("Cancel", {"was_in_flight": True}, 42)),
    "cancel-reply-unknown": (
        "It was not, or not any more; a success too.",
        reply("Cancel", {"was_in_flight": False}, 42)),

    "infer-request-smallest": ("No inputs at all.", infer([])),
    "infer-request": ("The worked example of the specification.", infer([PIXELS])),
    "infer-request-everything": (
        "Every field and every header value.",
        infer([PIXELS, tensor("mask", "BOOL", [1, 4], bytes([1, 0, 1, 1]))],
              wants_phase_times=True, model_version=3, request_id="order 66/a",
              wanted_outputs=["probabilities", "label"],
              header={"correlation_id": 0x0123456789ABCDEF, "budget_microseconds": 5000,
                      "idempotency_key": KEY, "priority": 7})),
    "infer-request-label": ("By label.", infer([PIXELS], model_label="canary")),
    "infer-request-no-budget-left": (
        "A budget of 0 is not the same as none: the server answers DEADLINE_EXCEEDED.",
        infer([PIXELS], header={"budget_microseconds": 0})),
    "infer-request-zero-key": (
        "An idempotency key of zeros is a key.", infer([], header={"idempotency_key": "00" * 16})),
    "infer-request-every-type": (
        "Every element type, extremes included.", infer(EVERY_TYPE)),
    "infer-request-scalar": (
        "Rank 0 has one element.", infer([tensor("x", "FP64", [], struct.pack("<d", 0.1))])),
    "infer-request-rank-8": (
        "The largest rank.", infer([tensor("x", "INT8", [1, 2, 1, 2, 1, 2, 1, 1], bytes(range(8)))])),
    "infer-request-empty-tensors": (
        "Tensors without elements take no room and no padding, wherever they stand.",
        infer([tensor("a", "FP32", [0, 4], b""), PIXELS, tensor("b", "BYTES", [0], b""),
               tensor("c", "INT64", [2**40, 0, 2**40], b"")])),
    "infer-request-only-empty": (
        "The frame ends with its fields.", infer([tensor("a", "FP32", [0], b"")])),
    "infer-request-payload-64": (
        "A payload of exactly 64 bytes is followed by the next without padding.",
        infer([tensor("a", "UINT8", [64], bytes(64)), tensor("b", "UINT8", [1], b"\x07"),
               tensor("c", "UINT8", [65], bytes(65))])),
    "infer-request-aligned-fields": (
        "Fields that end at 60 modulo 64 need no padding: here at byte 124.",
        infer([tensor("x" * 21, "UINT8", [1], b"\x01")], model_name="d" * 3)),
    "infer-request-non-finite": (
        "Infinities and any NaN pass as they are.",
        infer([tensor("x", "FP32", [4], bytes.fromhex("0000807f000080ff0000c07f010080ff"))])),
    "infer-request-empty-strings": (
        "BYTES elements may be empty.",
        infer([tensor("x", "BYTES", [2, 2], byte_strings(b"", b"", b"", b""))])),
    "infer-request-longest-name": (
        "A name of 256 bytes.", infer([tensor("n" * 256, "UINT8", [1], b"\x01")])),
    "infer-request-128-tensors": (
        "As many tensors as there may be.",
        infer([tensor(f"t{index}", "UINT8", [0], b"") for index in range(128)])),
    "infer-reply": (
        "One output.",
        reply("ModelInfer", {"model_version": 3, "outputs": [
            tensor("probabilities", "FP32", [1, 2], struct.pack("<2f", 0.25, 0.75))]})),
    "infer-reply-phase-times": (
        "Phases that sum to the total.",
        reply("ModelInfer", {"model_version": 3, "phase_times": PHASES, "outputs": [
            tensor("label", "INT64", [1], struct.pack("<q", 7)),
            tensor("names", "BYTES", [2], byte_strings("sieben".encode(), b"7"))]})),
    "infer-reply-no-outputs": (
        "None are there.", reply("ModelInfer", {"model_version": 1, "outputs": []})),
    "infer-reply-largest-phase": (
        "64 bits are enough for five centuries.",
        reply("ModelInfer", {"model_version": 1, "phase_times": {
            "receive": 0, "queue": 0, "batch_wait": 0, "compute": 2**64 - 2, "encode": 1,
            "total": 2**64 - 1}, "outputs": []})),

    "error-invalid-argument": (
        "Names the thing, what was expected and what was found.",
        reply("ModelInfer", {"supported_versions": [], "message": "input \"pixels\" has the wrong shape",
                             "subject": "input \"pixels\"", "expected": "FP32[batch, 64]",
                             "found": "FP32[1, 4]"}, status="INVALID_ARGUMENT")),
    "error-overloaded": (
        "With the time after which trying again may succeed.",
        reply("ModelInfer", {"supported_versions": [], "message": "the queue of digits is full",
                             "subject": "queue of digits", "expected": "at most 256 requests",
                             "found": "256 requests"},
              status="RESOURCE_EXHAUSTED", retry_after_microseconds=1800)),
    "error-overloaded-without-hint": (
        "A server must say when to try again; a reader accepts that it doesn't.",
        reply("ModelInfer", {"supported_versions": [], "message": "the queue of digits is full"},
              status="RESOURCE_EXHAUSTED")),
    "error-hint-on-never": (
        "A server must not hint at trying again where that is useless; a reader accepts and ignores it.",
        reply("ModelInfer", {"supported_versions": [], "message": "there is no model 'digits'",
                             "subject": "model 'digits'", "expected": "", "found": ""},
              status="NOT_FOUND", retry_after_microseconds=1800)),
    "error-unsupported-version": (
        "Says which versions there are.",
        reply("ServerLive", {"supported_versions": [1], "message": "protocol version 9 is not known"},
              status="UNIMPLEMENTED")),
    "error-unknown-kind": (
        "An error reply repeats a kind that nobody knows.",
        reply(999, {"supported_versions": [], "message": "kind 999 is not known"},
              status="UNIMPLEMENTED")),
    "error-unreadable-request": (
        "Kind 0 and correlation id 0 answer a frame whose header could not be read; texts may be empty.",
        reply(0, {"supported_versions": [], "message": ""}, correlation_id=0,
              status="INVALID_ARGUMENT")),
    "error-last-code": (
        "The last code, on a call that has fields of its own when it succeeds.",
        reply("Cancel", {"supported_versions": [], "message": "who are you?"},
              status="UNAUTHENTICATED")),
}


def with_extra_field(meaning, extra_tag, extra_value):
    """The frame of `meaning` with one more field, in its place."""
    header = Header(KINDS[meaning["kind"]], meaning["correlation_id"])
    writer = Writer(header)
    fields = [(TAGS["model_name"], meaning["body"]["model_name"].encode()), (extra_tag, extra_value)]
    for value in meaning["body"].get("inputs", []):
        fields.append((TAGS["tensor"], pack_value("tensor", value)))
        writer.payloads.append(bytes.fromhex(value["payload"]))
    for tag, value in sorted(fields, key=lambda item: item[0]):
        writer.add(tag, value)
    return writer.finish()


def with_ignored_flags(meaning):
    frame = bytearray(write_frame(meaning))
    frame[17] = 0xFF
    return bytes(frame)


# Frames that a writer of this version doesn't make but a reader accepts: re-encoding gives other bytes.
NON_CANONICAL = {
    "unknown-field-skipped": (
        "A field that this version doesn't know is skipped; the highest bit of its tag is clear.",
        "infer-request", lambda meaning: with_extra_field(meaning, 0x7FFF, b"from the future")),
    "reply-field-in-request-skipped": (
        "A field that only replies have is skipped in a request, between the request's own.",
        "infer-request", lambda meaning: with_extra_field(meaning, 0x06, bytes(3))),
    "field-of-another-call-skipped": (
        "A field that this version knows, but not in this message, is skipped like an unknown one.",
        "model-ready-request", lambda meaning: with_extra_field(meaning, TAGS["request_id"], b"r")),
    "unknown-flags-ignored": (
        "The high eight flags may be set by later versions and are ignored.",
        "infer-request", with_ignored_flags),
}


def all_vectors():
    """Yields (name, description, meaning, frame, name of the vector with the canonical bytes)."""
    for name, (description, meaning) in VECTORS.items():
        yield name, description, meaning, write_frame(meaning), None
    for name, (description, canonical, change) in NON_CANONICAL.items():
        meaning = VECTORS[canonical][1]
        yield name, description, meaning, change(meaning), canonical
