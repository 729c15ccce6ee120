"""Measures Tern and a peer in turns and writes the table of ratios."""

import json
import math
import statistics
import subprocess
import time

import environment


class Table:
    """The ratios of one kind of work."""

    def __init__(self, program, title, threads, repeats, has_columns=True):
        self.program, self.threads, self.repeats = program, threads, repeats
        self.ratios = []
        print(f"{title}, {threads} thread{'s' if threads > 1 else ''}, {repeats} turns, load average "
              f"{environment.load_average()}")
        if not has_columns:
            return
        print(f"{'':<30}{'peer µs':>10}{'Tern µs':>10}  {'peer/Tern (spread)':<22}"
              f"{'Gop/s':>8}{'of peak':>9}{'GB/s':>7}{'of read':>9}")

    def add(self, name, peer, arguments):
        """Runs `peer` (a function that returns nanoseconds) and `tern kernels bench` in turns."""
        turns, peers, lines = [], [], []
        for _ in range(self.repeats):
            peers.append(peer())
            # The peer's threads spin for a while when their work is done.
            time.sleep(0.2)
            lines.append(self.bench(arguments))
            turns.append(peers[-1] / lines[-1]["medianNanoseconds"])
        ratio = statistics.median(turns)
        middle = {
            key: statistics.median(line[key] for line in lines)
            for key in ("medianNanoseconds", "gigaoperationsPerSecond", "gigabytesPerSecond",
                        "peakGigaoperationsPerSecond")}
        # Only products of one row have it: what reading as much memory once can do.
        streams = [line["gigabytesPerSecond"] / line["streamGigabytesPerSecond"]
                   for line in lines if "streamGigabytesPerSecond" in line]
        read = f"{100 * statistics.median(streams):.1f} %" if streams else ""
        rate, peak = middle["gigaoperationsPerSecond"], middle["peakGigaoperationsPerSecond"]
        percent = f"{100 * rate / peak:.1f} %" if rate else ""
        spread = f"{ratio:.2f} ({min(turns):.2f}–{max(turns):.2f})"
        print(f"{name:<30}{statistics.median(peers) / 1000:>10.2f}"
              f"{middle['medianNanoseconds'] / 1000:>10.2f}  {spread:<22}{rate or 0:>8.1f}"
              f"{percent:>9}{middle['gigabytesPerSecond']:>7.1f}{read:>9}", flush=True)
        self.ratios.append((ratio, name))

    def bench(self, arguments, threads=None, samples=21):
        command = [self.program, "kernels", "bench", "--threads", str(threads or self.threads),
                   "--samples", str(samples), "--json", *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    def finish(self):
        mean = math.exp(statistics.fmean(math.log(ratio) for ratio, _ in self.ratios))
        lowest, name = min(self.ratios)
        print(f"geometric mean {mean:.3f}, lowest {lowest:.2f} at {name}; load average "
              f"{environment.load_average()}\n")
