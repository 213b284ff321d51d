"""How much happened when: bars over any time, and a person's month by days and hours."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from relais.models.ids import Millis
from relais.models.refusal import Code, Refusal
from relais.models.store.audit_watch import FindingRow, HourCount
from relais.models.wire.watch import Bucket, Hour
from relais.server.audit.watch.seen import HOUR_MS

BARS = 24


def bars(points: Sequence[tuple[Millis, int, int]], *, span: Millis = 1) -> tuple[Bucket, ...]:
    """Even widths over all points: (time, done, refused), each lasting `span`. Oldest first."""
    if not points:
        return ()
    first = min(at for at, _, _ in points)
    end = max(at for at, _, _ in points) + span
    width = max(span, -(-(end - first) // BARS))
    width = -(-width // span) * span
    done: defaultdict[int, int] = defaultdict(int)
    refused: defaultdict[int, int] = defaultdict(int)
    for at, ok, no in points:
        done[(at - first) // width] += ok
        refused[(at - first) // width] += no
    starts = ((number, first + number * width) for number in range(-(-(end - first) // width)))
    return tuple(
        Bucket(start, start + width, done[number], refused[number]) for number, start in starts
    )


def month_of(text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first moment of a month, ``YYYY-MM``, and of the next one. Raises ``malformed``."""
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=zone)
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    except ValueError as error:
        raise Refusal(Code.MALFORMED, field="month") from error
    if not 2000 <= first.year < 9999 or len(text) != 7:
        raise Refusal(Code.MALFORMED, field="month")
    return first, after


def millis(moment: datetime) -> Millis:
    return int(moment.timestamp()) * 1000


def month_cells(
    counts: Iterable[HourCount], findings: Iterable[FindingRow], zone: ZoneInfo
) -> tuple[Hour, ...]:
    """One cell for each hour in which something happened, by the clock on the wall."""
    sums: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for count in counts:
        cell = sums[_day_and_hour(count.hour * HOUR_MS, zone)]
        cell[0] += count.ok
        cell[1] += count.refused
    for finding in findings:
        sums[_day_and_hour(finding.at, zone)][2] += 1
    return tuple(Hour(day, hour, *numbers) for (day, hour), numbers in sorted(sums.items()))


def _day_and_hour(at: Millis, zone: ZoneInfo) -> tuple[int, int]:
    local = datetime.fromtimestamp(at / 1000, zone)
    return local.day, local.hour
