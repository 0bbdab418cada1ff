"""What the peers share: arguments, the clock, and how a figure is printed."""

import argparse
import json
import pathlib
import time


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=pathlib.Path, help="where the databases go")
    parser.add_argument("--seconds", type=float, default=2.0, help="the time a case may take")
    parser.add_argument("--samples", type=int, default=100)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for old in given.folder.iterdir():
        old.unlink()
    return given


def figure(by, scenario, case, value, unit):
    line = {"by": by, "scenario": scenario, "case": case, "value": round(value, 3), "unit": unit}
    print(json.dumps(line), flush=True)


def per_second(step, seconds):
    """Calls `step`, which returns how much it did, until the time is over."""
    start = time.perf_counter()
    done = 0
    while True:
        done += step()
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return done / elapsed


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
