"""What is to be reached, and beside what each figure is put."""

import dataclasses

GUARDED, UNGUARDED = "C guarded", "C unguarded"
# The same with 64 rows a statement: the fastest way known to do what the log does.
FAST_GUARDED, FAST_UNGUARDED = "C guarded, 64 rows", "C unguarded, 64 rows"
EVENTSOURCING, HUEY = "eventsourcing", "huey"
EVENTS_A_TRACE = 5
# Floors and peers of the minute of a sweep.
BESIDE_SWEEP = "beside a sweep"


@dataclasses.dataclass
class Row:
    """One line of the table: a figure, its floor or peer, and what it has to be."""

    quality: str
    value: tuple  # scenario and case of ours
    beside: tuple = None  # by, scenario, case
    divisor: float = 1.0  # of what it stands beside, to bring it to our unit
    limit: float = None
    of_ratio: bool = False  # whether the limit is one of the ratio
    at_most: bool = False


APPEND = [
    Row("append, one by one", ("append", "one by one"), (GUARDED, "append", "one by one"),
        limit=0.85, of_ratio=True),
    Row("append, one by one", ("append", "one by one"), (EVENTSOURCING, "append", "one by one")),
    Row("append, batch 10", ("append", "batch 10"), (GUARDED, "append", "batch 10")),
    Row("append, batch 100", ("append", "batch 100"), (GUARDED, "append", "batch 100")),
    Row("append, batch 1,000", ("append", "batch 1000"), (GUARDED, "append", "batch 1000"),
        limit=0.8, of_ratio=True),
    Row("append, batch 1,000", ("append", "batch 1000"), (UNGUARDED, "append", "batch 1000"),
        limit=0.65, of_ratio=True),
    Row("append, batch 1,000", ("append", "batch 1000"), (FAST_GUARDED, "append", "batch 1000")),
    Row("append, batch 1,000", ("append", "batch 1000"), (FAST_UNGUARDED, "append", "batch 1000")),
    Row("append, batch 1,000", ("append", "batch 1000"), (EVENTSOURCING, "append", "batch 1000")),
    Row("append, batch 10,000", ("append", "batch 10000"), (GUARDED, "append", "batch 10000")),
    Row("append, batch 10,000", ("append", "batch 10000"),
        (FAST_GUARDED, "append", "batch 10000")),
    Row("group commit, 256 threads", ("group-commit", "256 threads"),
        (GUARDED, "append", "batch 256"), limit=0.8, of_ratio=True),
    Row("group commit, 256 tasks", ("group-commit", "256 tasks"),
        (GUARDED, "append", "batch 256"), limit=0.8, of_ratio=True),
    Row("group commit, 256 tasks", ("group-commit", "256 tasks"),
        (FAST_GUARDED, "append", "batch 256")),
]

REPLAY = [
    Row("replay, read alone", ("replay", "read"), (GUARDED, "replay", "scan")),
    Row("replay, decoded", ("replay", "decode"), (EVENTSOURCING, "replay", "decode")),
    Row("replay, decoded and folded", ("replay", "decode and fold"), (GUARDED, "replay", "scan"),
        limit=1_000_000),
    Row("open and recover, 10,000 events", ("open", "10000 events")),
    Row("open and recover, 100,000 events", ("open", "100000 events")),
    Row("open and recover, 1,000,000 events", ("open", "1000000 events")),
    Row("open and recover, 10,000,000 events", ("open", "10000000 events"), limit=1000,
        at_most=True),
]

WORK = [
    Row("bulk request, derived names", ("bulk-request", "derived names"),
        (FAST_GUARDED, "append", "batch 10000"), limit=200_000),
    *[
        Row(f"traces to completion, {case}", ("completion", case),
            (FAST_GUARDED, "append", "batch 10000"), divisor=EVENTS_A_TRACE)
        for case in ("in process", "1 worker", "2 workers", "4 workers")
    ],
    Row("traces to completion, best of these", ("completion", "best"),
        (HUEY, "completion", "jobs"), limit=40_000),
    *[
        row for kind, words in (("", "in turns"), ("-scattered", "scattered"))
        for row in (
            Row(f"allocation, most waiting traces, {words}", ("waiting" + kind, "most"),
                ("tracectl", "waiting" + kind, "1000 waiting"), limit=1.1, of_ratio=True,
                at_most=True),
            Row(f"memory, 10,000,000 waiting, {words}",
                ("waiting-memory" + kind, "10000000 waiting"), limit=512, at_most=True))
    ],
    *[
        Row(f"pick-up, of {case}, {part}", ("pick-up", f"{case}, {part}"), (HUEY, "pick-up", part),
            limit=limit, at_most=True)
        for case in ("another process", "this process")
        for part, limit in (("p50", 3), ("p95", 5))
    ],
    Row("failover, process killed, most", ("failover", "process killed, most"), limit=11,
        at_most=True),
    Row("failover, process stopped, most", ("failover", "process stopped, most"), limit=11,
        at_most=True),
]

COST = [
    Row("fsyncs, lone trace", ("fsyncs", "lone trace"), limit=6, at_most=True),
    Row("fsyncs, lone trace with making and closing a log",
        ("fsyncs", "lone trace, new log, with making and closing")),
    Row("fsyncs, under load", ("fsyncs", "under load"), limit=0.1, at_most=True),
    Row("matrix, a million pairs on one thread", ("matrix", "1,000,000 pairs"), limit=0.3,
        at_most=True),
    Row("policies compiled, 1,000 Pods and 200 policies", ("matrix", "compile"), limit=100,
        at_most=True),
    Row("compiled anew after a policy changed", ("matrix", "a policy changed"), limit=100,
        at_most=True),
    Row("compiled anew after a Pod changed", ("matrix", "a Pod changed"), limit=100,
        at_most=True),
    Row("manifests of 10,000 Pods loaded", ("matrix-growth", "10000 Pods, 200 policies: load"),
        limit=3, at_most=True),
    # The figure was set where C inserted 670,000 rows a second, and eventsourcing 149,201.
    Row("a sweep of 999,000 pairs", ("sweep", "traces"),
        (UNGUARDED, BESIDE_SWEEP, "batch 1000"), limit=40_000 / 670_000, of_ratio=True),
    Row("a sweep of 999,000 pairs", ("sweep", "traces"),
        (EVENTSOURCING, BESIDE_SWEEP, "batch 1000"), limit=40_000 / 149_201, of_ratio=True),
    Row("a sweep of 999,000 pairs", ("sweep", "traces"),
        (FAST_GUARDED, BESIDE_SWEEP, "batch 10000"), divisor=EVENTS_A_TRACE, limit=40_000),
    Row("a sweep of 999,000 pairs, memory", ("sweep", "memory, at most"), limit=256,
        at_most=True),
    Row("its matrix read from the history", ("sweep", "matrix read")),
    *[
        Row(f"history, {case}, p99", ("history", f"{case}, p99"), limit=10, at_most=True)
        for case in (
            "last 50 between two", "last 50 of a policy", "last 50 of a schedule",
            "who was dropped on the way to one", "who was dropped on a node",
            "what changed for one", "what changed since")
    ],
    Row("history, folded behind the log", ("history", "folded"), limit=40_000),
    Row("history, read models a trace", ("history", "read models")),
    Row("history, log and read models a trace", ("history", "live"), limit=450, at_most=True),
    Row("history, archived log and read models a trace", ("history", "archived")),
    Row("10,000 schedules, the latest slot", ("schedules", "latest"), limit=100, at_most=True),
    Row("10,000 schedules, p99", ("schedules", "p99")),
    Row("slots of 50 cron expressions in six zones", ("cron", "all slots"), limit=1000,
        at_most=True),
    Row("captures, archived", ("captures", "archived"), ("tracectl", "captures", "LZ4 alone"),
        limit=0.6, of_ratio=True),
    Row("captures, how much smaller", ("captures", "archived, ratio"),
        ("tracectl", "captures", "LZ4 alone, ratio"), limit=0.9, of_ratio=True),
    Row("captures of one packet, text, how much smaller",
        ("captures", "one packet each, text, ratio"), limit=1.6),
    Row("tag use while traces wait, reports within 1 s", ("tag-use", "reports take up to 1000 ms"),
        limit=0.98),
    Row("tag use while traces wait, reports within 0.3 s",
        ("tag-use", "reports take up to 300 ms")),
    Row("memory, idle worker", ("memory", "idle"), limit=64, at_most=True),
    Row("CPU, idle worker", ("idle-cpu", "worker"), limit=1, at_most=True),
    Row("memory, busy worker, most", ("memory", "busy, at most")),
    Row("storage, a finished trace", ("storage", "live"), limit=450, at_most=True),
    Row("storage, archived", ("storage", "archived"), limit=80, at_most=True),
    Row("single trace, new log", ("lone-trace", "new log"),
        ("tracectl", "lone-trace", "process start alone"), limit=50, at_most=True),
    Row("single trace, existing log", ("lone-trace", "existing log"),
        ("tracectl", "lone-trace", "process start alone"), limit=50, at_most=True),
    Row("single trace, log of 1,000,000 events", ("lone-trace", "log of 1000000 events"),
        ("tracectl", "lone-trace", "process start alone"), limit=50, at_most=True),
]

ROWS = APPEND + REPLAY + WORK + COST
