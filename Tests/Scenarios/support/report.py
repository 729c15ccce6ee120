"""The small report that each scenario prints, and its exit code."""

import sys
import time


class Report:
    def __init__(self, title):
        self.failed = 0
        self.passed = 0
        self.start = time.monotonic()
        print(title)

    def check(self, holds, text):
        """Prints one line and counts it."""
        if holds:
            self.passed += 1
        else:
            self.failed += 1
        print(f"  {'ok  ' if holds else 'FAIL'} {text}", flush=True)
        return holds

    def note(self, text):
        print(f"       {text}", flush=True)

    def finish(self):
        seconds = time.monotonic() - self.start
        print(f"  {self.passed} held, {self.failed} did not, in {seconds:.1f} s")
        sys.exit(1 if self.failed else 0)


def percentile(values, fraction):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]
