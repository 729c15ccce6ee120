"""Other implementations of nng's protocols call a Tern server.

pynng, which brings a newer nng of its own, and the system's libnng through stock REQ sockets; over ipc
and tcp; directly and through nng devices, which put words of their own before the request id.
"""

import pathlib
import struct
import subprocess
import sys

import libnng
import pynng

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Scenarios"))

from support import frames  # noqa: E402
from support.report import Report  # noqa: E402
from support.server import Server  # noqa: E402


class PynngRequester:
    def __init__(self, url):
        self.socket = pynng.Req0(
            dial=url, resend_time=-1, recv_timeout=10_000, send_timeout=10_000,
            recv_max_size=0)

    def call(self, body):
        self.socket.send(body)
        return self.socket.recv()

    def close(self):
        self.socket.close()


def echoes(requester, byte_count):
    """Whether the identity model answers with the elements it was given."""
    values = [float(index % 1000) for index in range(byte_count // 4)]
    payload = struct.pack(f"<{len(values)}f", *values)
    reply = frames.infer.reply(requester.call(frames.infer.request(
        "identity", {"x": ("FP32", [1, len(values)], payload)}, correlation_id=byte_count)))
    (_, shape, answer), = reply["outputs"].values()
    return shape == [1, len(values)] and answer == payload \
        and reply["correlation_id"] == byte_count


def check(report, name, make, url):
    """Small and large tensors, and an error, over one socket."""
    scheme = url.partition(":")[0]
    requester = make(url)
    for byte_count in (64, 4096, 600_000):
        report.check(echoes(requester, byte_count), f"{name} over {scheme}: {byte_count} bytes")
    unknown = frames.parse(requester.call(frames.infer.request("nobody", {})))
    report.check(
        unknown.status == "NOT_FOUND", f"{name} over {scheme}: an unknown model: {unknown.message}")
    requester.close()


def main():
    report = Report(f"interop: pynng {pynng.__version__} (nng {nng_of_pynng()}), "
                    f"libnng {libnng.version()}")
    with Server(endpoints=("ipc", "tcp")) as server:
        for url in server.urls:
            check(report, "pynng", PynngRequester, url)
            check(report, "libnng", libnng.Requester, url)
        front = f"ipc://{server.folder}/device.sock"
        second = f"ipc://{server.folder}/device2.sock"
        libnng.Device(front, server.url("tcp"))
        check(report, "pynng through a device", PynngRequester, front)
        libnng.Device(second, front)
        check(report, "libnng through two devices", libnng.Requester, second)
        for url in server.urls:
            script = subprocess.run(
                [sys.executable, str(HERE / "protocol_only.py"), url],
                capture_output=True, text=True, timeout=60)
            said = (script.stdout + script.stderr).strip().splitlines()
            report.check(
                script.returncode == 0,
                f"a script from the specification alone over {url.partition(':')[0]}: {said[-1:]}")
    report.finish()


def nng_of_pynng():
    return pynng.ffi.string(pynng.lib.nng_version()).decode()


if __name__ == "__main__":
    main()
