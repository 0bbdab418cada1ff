"""The Python task queue `huey` on SQLite: jobs end to end, and how soon an idle worker takes one.

Durable as the log is: WAL with synchronous = FULL (huey's `fsync`). Each job returns a small
result, which huey stores, as a trace's end is stored.
"""

import logging
import random
import threading
import time

from common import arguments, figure, percentile
from huey import SqliteHuey

BY = "huey"


def queue(path):
    return SqliteHuey("bench", filename=str(path), fsync=True, journal_mode="wal", timeout=60)


def started(huey, workers):
    # Started by hand: `run` would take over the signals of this process.
    consumer = huey.create_consumer(workers=workers, worker_type="thread", periodic=False)
    consumer.start()
    return consumer


def completion(path, seconds):
    """Jobs enqueued for a while and then drained: jobs/s over both."""
    huey = queue(path)
    done = threading.Semaphore(0)

    @huey.task()
    def job(number):
        return {"number": number, "verdict": "Delivered"}

    huey.signal("complete")(lambda signal, task: done.release())
    start = time.perf_counter()
    count = 0
    while time.perf_counter() - start < seconds / 2:
        job(count)
        count += 1
    consumer = started(huey, workers=2)
    for _ in range(count):
        done.acquire()
    elapsed = time.perf_counter() - start
    consumer.stop(graceful=True)
    return count / elapsed


def pick_up(path, samples):
    """Milliseconds from the acknowledged enqueue to the start of the job, in an idle worker."""
    huey = queue(path)
    taken = threading.Semaphore(0)
    moments = []

    @huey.task()
    def job():
        moments.append(time.perf_counter())
        taken.release()

    consumer = started(huey, workers=1)
    waits = []
    generator = random.Random(7)
    for _ in range(samples):
        time.sleep(generator.uniform(0.1, 0.4))
        job()
        asked = time.perf_counter()
        taken.acquire()
        waits.append(max(0.0, moments[-1] - asked) * 1000)
    consumer.stop(graceful=True)
    return waits


def main():
    given = arguments(__doc__)
    logging.disable(logging.CRITICAL)
    rate = completion(given.folder / "completion.db", given.seconds * 2)
    figure(BY, "completion", "jobs", rate, "traces/s")
    waits = pick_up(given.folder / "pick-up.db", given.samples)
    figure(BY, "pick-up", "p50", percentile(waits, 0.5), "ms")
    figure(BY, "pick-up", "p95", percentile(waits, 0.95), "ms")


main()
