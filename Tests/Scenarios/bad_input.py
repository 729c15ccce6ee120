"""Bad input: 10 000 mutated frames against a live server.

Every frame gets exactly one reply, an error unless the mutation left the request sound; no reply
holds bytes of another request; between them, good requests are answered. Run the server under
AddressSanitizer ($TERN names the program) and any bad access ends it, which this reports.
"""

import argparse
import hashlib
import random
import struct

from support import frames
from support.report import Report
from support.server import ROOT, Server
from support.sp import Connection


def marker(number):
    """Eight bytes that no other request has, and that no mutation makes of another's."""
    return hashlib.blake2b(struct.pack("<I", number), digest_size=8).digest()


def seeds():
    """Sound requests: the protocol's own valid vectors, and requests of the identity model."""
    requests = []
    for path in sorted((ROOT / "Protocol" / "vectors" / "valid").glob("*.bin")):
        data = path.read_bytes()
        if not struct.unpack_from("<H", data, 16)[0] & 1:
            requests.append(data)
    return requests


def marked(number, rng):
    """A sound request of the identity model whose payload is full of its own marker."""
    count = rng.choice([2, 8, 64, 1024])
    payload = marker(number) * (count // 2)
    return frames.infer.request(
        "identity", {"x": ("FP32", [1, count], payload)}, correlation_id=number,
        wants_phase_times=rng.random() < 0.3)


def mutate(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        kind = rng.randrange(7)
        place = rng.randrange(max(1, len(data)))
        if kind == 0 and data:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif kind == 2:
            del data[place:]
        elif kind == 3:
            data[place:place] = rng.randbytes(rng.randrange(1, 65))
        elif kind == 4:
            del data[place:place + rng.randrange(1, 17)]
        elif kind == 5 and len(data) >= 8:
            # Lengths and counts are where decoders go wrong.
            place = rng.randrange(0, len(data) - 7)
            value = rng.choice([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1, len(data), 10**9])
            data[place:place + 8] = struct.pack("<Q", value)
        elif kind == 6 and len(data) >= 60:
            # Keeps the length right, so that the damage is met behind the header.
            struct.pack_into("<Q", data, 0, len(data))
    return bytes(data)


def markers_in(body, numbers):
    """The numbers of all requests whose marker stands in a reply, at any offset."""
    windows = (body[place:place + 8] for place in range(len(body) - 7))
    return {numbers[window] for window in windows if window in numbers}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    report = Report(f"bad input: {arguments.count} mutated frames, seed {arguments.seed}")
    vectors = seeds()
    with Server(endpoints=("ipc", "tcp")) as server:
        connections = [Connection(url, timeout=30) for url in server.urls]
        numbers = {marker(number): number for number in range(1, 2 * arguments.count + 1)}
        statuses, leaks, bad_replies, unanswered = {}, 0, 0, 0
        for number in range(1, arguments.count + 1):
            connection = connections[number % len(connections)]
            sound = marked(number, rng) if rng.random() < 0.6 else rng.choice(vectors)
            connection.send(mutate(sound, rng), request_id=number)
            # A sound request rides along, so that two payloads are in the server at one time.
            good = marked(arguments.count + number, rng)
            connection.send(good, request_id=0x10000000 + number)
            replies = {}
            try:
                for _ in range(2):
                    request_id, body = connection.receive()
                    replies[request_id] = body
            except OSError as failure:
                report.check(False, f"frame {number}: {failure}")
                break
            for own, key in ((number, number), (arguments.count + number, 0x10000000 + number)):
                if key not in replies:
                    unanswered += 1
                    continue
                leaks += bool(markers_in(replies[key], numbers) - {own})
            try:
                status = frames.parse(replies[number]).status
            except Exception as failure:  # Whatever is wrong with a reply is the finding.
                bad_replies += 1
                report.note(f"frame {number}: the reply cannot be read: {failure}")
                continue
            statuses[status] = statuses.get(status, 0) + 1
            reply = frames.parse(replies[0x10000000 + number])
            if reply.status != "OK":
                report.check(False, f"after frame {number} a good request: {reply.message}")
        total = sum(statuses.values())
        report.check(total == arguments.count, f"{total} replies: {statuses}")
        report.check(unanswered == 0, f"{unanswered} requests without a reply")
        report.check(bad_replies == 0, f"{bad_replies} replies that break the protocol")
        report.check(leaks == 0, f"{leaks} replies with bytes of another request")
        report.check(
            total - statuses.get("OK", 0) > arguments.count // 3,
            "most mutations were noticed")
        report.check(
            all(frames.is_live(Connection(url)) for url in server.urls), "the server answers")
        code, took = server.terminate(timeout=60)
        report.check(code == 0, f"it ends with {code} in {took:.2f} s")
        trouble = [line for line in server.log().splitlines() if "Sanitizer" in line]
        report.check(not trouble, f"no sanitizer report {trouble[:1]}")
    report.finish()


if __name__ == "__main__":
    main()
