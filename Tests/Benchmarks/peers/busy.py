"""Processes that keep processors busy, and the table of what two threads are worth beside them."""

import math
import os
import statistics
import subprocess
import sys
import time

import environment

# Of 2 ms each: the scheduler's turns, and what the pool learns from them, take tens of milliseconds.
SAMPLES = 101

SPIN = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
parent = os.getppid()
while os.getppid() == parent:
    end = time.monotonic() + 0.1
    while time.monotonic() < end:
        pass
"""


class BusyProcessors:
    """Keeps the last `count` processors busy, with a spinning process bound to each."""

    def __init__(self, count):
        processors = sorted(os.sched_getaffinity(0))
        if count >= len(processors):
            sys.exit(f"--busy must leave one of {len(processors)} processors free")
        self.processors = processors[len(processors) - count:]

    def __enter__(self):
        self.processes = [
            subprocess.Popen([sys.executable, "-c", SPIN, str(processor)])
            for processor in self.processors]
        time.sleep(0.2)

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


class BusyTable:
    """Tern's two threads against its one thread and the peer's two, beside busy processes.

    What counts is the mean time of a call, not the median: who waits for a thread that was put off its
    processor waits seldom, but for milliseconds.
    """

    def __init__(self, table, busy):
        self.table, self.busy = table, busy
        self.ratios = []
        print(f"{'':<20}{'peer 2 µs':>11}{'Tern 1 µs':>11}{'Tern 2 µs':>11}"
              f"  {'1 thread/2 (spread)':<24}{'peer/Tern (spread)':<22}")

    def add(self, name, peer, arguments):
        """Runs the peer, Tern on two threads and Tern on one in turns."""
        peers, ones, twos = [], [], []
        with self.busy:
            for _ in range(self.table.repeats):
                peers.append(peer())
                time.sleep(0.1)
                for times, threads in (twos, 2), (ones, 1):
                    line = self.table.bench(arguments, threads, SAMPLES)
                    times.append(line["meanNanoseconds"])
        pairs = [one / two for one, two in zip(ones, twos)], [
            peer / two for peer, two in zip(peers, twos)]
        columns = "".join(f"{statistics.fmean(times) / 1000:>11.2f}" for times in (peers, ones, twos))
        middles = statistics.fmean(ones) / statistics.fmean(twos), statistics.fmean(
            peers) / statistics.fmean(twos)
        texts = [f"{middle:.2f} ({min(pair):.2f}–{max(pair):.2f})"
                 for middle, pair in zip(middles, pairs)]
        print(f"{name:<20}{columns}  {texts[0]:<24}{texts[1]:<22}", flush=True)
        self.ratios.append((*middles, name))

    def finish(self):
        for column, what, goal in (0, "one thread / two", 0.9), (1, "peer / Tern", 1.3):
            values = [(row[column], row[2]) for row in self.ratios]
            mean = math.exp(statistics.fmean(math.log(value) for value, _ in values))
            lowest, name = min(values)
            print(f"{what}: geometric mean {mean:.2f}, lowest {lowest:.2f} at {name}; goal: none below "
                  f"{goal}")
        print(f"load average {environment.load_average()}\n")
