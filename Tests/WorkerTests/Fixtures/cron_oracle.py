"""Writes cron-slots.txt: when expressions come in six time zones in ten years.

An oracle that shares nothing with the product: croniter reads the expressions, zoneinfo knows the
zones, and every minute of the ten years is looked at. Needs croniter and numpy:

    python3 cron_oracle.py > cron-slots.txt
"""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import numpy
from croniter import croniter

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
         "America/St_Johns"]
EXPRESSIONS = """
* * * * *|*/5 * * * *|*/7 * * * *|0 * * * *|59 * * * *|30 2 * * *|0 2 * * *|30 1 * * *|0 0 * * *
59 23 * * *|0 3 * * 0|0 3 * * 7|15 14 1 * *|0 22 * * 1-5|23 0-20/2 * * *|5 4 * * sun|0 0 1,15 * 3
0 0 13 * 5|0 0 29 2 *|0 0 29 2 1|0 12 31 * *|0 0 31 1,3,5 *|0 0 30 4-11/2 *|*/15 8-17 * * mon-fri
10-20/3 1 * * *|0 0 1 1 *|0 0 1 */3 *|0 0 */2 * *|0 0 */2 * 1|0 0 * * */2|0 0 1-7 * 1|45 23 28-31 * *
1,2,3,58 5,6 * jan,feb *|0 9 * dec mon|*/59 * * * *|*/31 */5 * * *|0 */11 * * *|13 13 13 * *
0 0 * 2 *|30 2 * 3 0|30 2 29 3 *|30 1 * 11 0|15 2 * 4,10 *|45 1 1-7 4,10 0|0 0 10-12 * *|20/20 * * * *
3/10 2-4 * * *|0 6 * * 2,4,6|0 18 1 6-8 *|50 3 * 10 sat,sun
""".replace("\n", "|").strip("|").split("|")
FIRST = int(datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp()) // 60
LAST = int(datetime(2036, 1, 1, tzinfo=timezone.utc).timestamp()) // 60


def local_fields(zone):
    """The local minute of each minute of UTC, as arrays of its fields."""
    info = ZoneInfo(zone)
    offsets = numpy.empty(LAST - FIRST, dtype=numpy.int64)
    # Offsets change at whole half hours of UTC here, so one look each half hour is enough.
    for start in range(FIRST, LAST, 30):
        moment = datetime.fromtimestamp(start * 60, info)
        offsets[start - FIRST:start - FIRST + 30] = int(moment.utcoffset().total_seconds()) // 60
    local = numpy.arange(FIRST, LAST, dtype=numpy.int64) + offsets
    days = local // 1440
    stamps = days.astype("datetime64[D]")
    months = stamps.astype("datetime64[M]")
    return (local % 60, local // 60 % 24, (stamps - months).astype(int) + 1,
            months.astype(int) % 12 + 1, (days + 4) % 7)


def matches(expression, fields):
    lists, _ = croniter.expand(expression)
    masks = []
    for values, field in zip(lists, fields):
        if values[0] == "*":
            masks.append(None)
        else:
            masks.append(numpy.isin(field, [int(value) % 7 if field is fields[4] else int(value)
                                            for value in values]))
    minute, hour, day, month, weekday = masks
    found = numpy.ones(LAST - FIRST, dtype=bool)
    for mask in (minute, hour, month):
        if mask is not None:
            found &= mask
    if day is not None and weekday is not None:
        found &= day | weekday
    elif day is not None:
        found &= day
    elif weekday is not None:
        found &= weekday
    return numpy.flatnonzero(found) + FIRST


# The first slots of those that come often; one that comes every five minutes for all of the time.
KEPT = 12_000
for zone in ZONES:
    fields = local_fields(zone)
    for expression in EXPRESSIONS:
        slots = matches(expression, fields)
        if (zone, expression) != ("Europe/Berlin", "*/5 * * * *"):
            slots = slots[:KEPT]
        # Sums of squares tell slots apart that a plain sum does not.
        total = sum(int(slot) ** 2 for slot in slots - FIRST)
        first = " ".join(str(int(slot) * 60) for slot in slots[:3])
        print(f"{zone}|{expression}|{len(slots)}|{total % (1 << 61)}|{first}")
