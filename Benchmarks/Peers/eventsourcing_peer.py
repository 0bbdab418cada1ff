"""The Python library `eventsourcing` on its SQLite recorder: append and replay.

SQLite's default for a new connection is synchronous = FULL, as the log's is; the program stops if
the library changes that. Payloads are 32 bytes for appends, five events a stream.
"""

import itertools
import sys
import uuid

from common import arguments, figure, per_second
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import (
    DatetimeAsISO, JSONTranscoder, Mapper, StoredEvent, UUIDAsHex,
)
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

BY = "eventsourcing"
EVENTS_A_STREAM = 5


class Reported(DomainEvent):
    """A domain event with as many fields as a node's report has."""

    node: str
    sequence: int
    attempt: int
    component: str
    action: str


def recorder(path):
    made = SQLiteApplicationRecorder(SQLiteDatastore(str(path)))
    made.create_table()
    with made.datastore.transaction(commit=False) as cursor:
        cursor.execute("pragma synchronous")
        level = cursor.fetchone()[0]
    if level < 2:
        sys.exit(f"eventsourcing: synchronous is {level}; the figures would not compare")
    return made


def stored_events():
    payload = bytes(32)
    while True:
        stream = uuid.uuid4()
        for version in range(1, EVENTS_A_STREAM + 1):
            yield StoredEvent(stream, version, "bench:Event", payload)


def append(path, batch, seconds):
    target, events = recorder(path), stored_events()

    def step():
        target.insert_events(list(itertools.islice(events, batch)))
        return batch

    return per_second(step, seconds)


def replay(path, count, seconds):
    transcoder = JSONTranscoder()
    transcoder.register(UUIDAsHex())
    transcoder.register(DatetimeAsISO())
    mapper, target = Mapper(transcoder=transcoder), recorder(path)
    for _ in range(count // 1000):
        batch = []
        for _ in range(1000 // EVENTS_A_STREAM):
            stream = uuid.uuid4()
            batch += [
                mapper.to_stored_event(Reported(
                    originator_id=stream, originator_version=version,
                    timestamp=Reported.create_timestamp(), node="node-1", sequence=1, attempt=1,
                    component="Forwarding", action="Delivered"))
                for version in range(1, EVENTS_A_STREAM + 1)
            ]
        target.insert_events(batch)
    position = 0

    def step():
        nonlocal position
        page = target.select_notifications(position + 1, 1000)
        for notification in page:
            mapper.to_domain_event(notification)
        position = page[-1].id if len(page) == 1000 else 0
        return len(page)

    return per_second(step, seconds)


def main():
    given = arguments(__doc__)
    for name, batch in (("one by one", 1), ("batch 1000", 1000)):
        rate = append(given.folder / f"append-{batch}.db", batch, given.seconds)
        figure(BY, "append", name, rate, "events/s")
    rate = replay(given.folder / "replay.db", 20_000, given.seconds)
    figure(BY, "replay", "decode", rate, "events/s")


main()
