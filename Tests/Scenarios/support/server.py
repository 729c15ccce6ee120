"""Starts a real `tern serve` and looks at it from outside: its descriptors, memory and counters."""

import json
import os
import pathlib
import queue
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODELS = ROOT / "Tests" / "Fixtures" / "models"


def program():
    """The server's program: $TERN, or what `swift build` left, release first."""
    if os.environ.get("TERN"):
        return os.environ["TERN"]
    for configuration in ("release", "debug"):
        path = ROOT / ".build" / configuration / "tern"
        if path.exists():
            return str(path)
    raise SystemExit("no tern program: run `swift build -c release --product tern` first")


def repository(folder, **models):
    """Lays out a model repository: name=path of a model file."""
    root = pathlib.Path(folder)
    for name, path in models.items():
        version = root / name / "1"
        version.mkdir(parents=True)
        shutil.copy(path, version / "model.onnx")
    return root


class Server:
    """A running server; a context manager that ends it whatever happens."""

    def __init__(self, models=None, endpoints=("ipc", "tcp"), arguments=(), descriptors=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tern-"))
        if models is None:
            models = {"identity": MODELS / "identity.onnx"}
        repository(self.folder / "models", **models)
        wanted = []
        for kind in endpoints:
            if kind == "ipc":
                wanted.append(f"ipc://{self.folder}/tern.sock")
            elif kind == "abstract":
                wanted.append(f"abstract://tern-{os.getpid()}-{self.folder.name}")
            elif kind == "tcp":
                wanted.append("tcp://127.0.0.1:0")
            else:
                # A whole URL: an endpoint that an earlier server had.
                wanted.append(kind)
                if kind.startswith("ipc://"):
                    pathlib.Path(kind[6:]).parent.mkdir(exist_ok=True)
        command = [program(), "serve", "--models", str(self.folder / "models"), *arguments]
        for url in wanted:
            command += ["--endpoint", url]
        limit = None
        if descriptors is not None:
            limit = lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (descriptors, descriptors))
        self.log_path = self.folder / "log"
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=open(self.log_path, "wb"),
            preexec_fn=limit, env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
        start = time.monotonic()
        self.lines = queue.Queue()
        threading.Thread(target=self.read_lines, daemon=True).start()
        self.urls = [self.ready_line() for _ in wanted]
        self.start_milliseconds = (time.monotonic() - start) * 1000

    def read_lines(self):
        for line in self.process.stdout:
            self.lines.put(line.decode().strip())
        self.lines.put(None)

    def ready_line(self, timeout=60):
        """The URL of the next endpoint that the server says is ready."""
        deadline = time.monotonic() + timeout
        while True:
            line = self.lines.get(timeout=max(0.1, deadline - time.monotonic()))
            if line is None:
                raise RuntimeError("the server ended before it was ready:\n" + self.log())
            match = re.search(r"\b(?:ipc|abstract|tcp)://\S+", line)
            if match:
                return match.group(0)

    def url(self, kind):
        return next(url for url in self.urls if url.startswith(kind))

    def log(self):
        return self.log_path.read_text(errors="replace")

    def descriptor_count(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kilobytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError("no VmRSS")

    def statistics(self, timeout=10):
        """Asks for the counters with SIGUSR1; the server writes them as one line of JSON."""
        offset = self.log_path.stat().st_size
        self.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with open(self.log_path, "rb") as log:
                log.seek(offset)
                for line in log.read().decode(errors="replace").splitlines(keepends=True):
                    if line.startswith('{"statistics"') and line.endswith("\n"):
                        return json.loads(line)["statistics"]
            time.sleep(0.002)
        raise RuntimeError("the server wrote no statistics:\n" + self.log()[-2000:])

    def final_statistics(self):
        """The counters that the server writes last, after its drain."""
        lines = [line for line in self.log().splitlines() if line.startswith('{"statistics"')]
        return json.loads(lines[-1])["statistics"]

    def wait_until(self, condition, timeout, what, interval=0.05):
        """Waits until condition() holds; says what it waited for when it does not."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(interval)
        raise AssertionError(f"after {timeout} s: {what}")

    def terminate(self, timeout=30):
        """Sends SIGTERM; returns the exit code and how long the server took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        return code, time.monotonic() - start

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the server if it runs, and removes its folder."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
