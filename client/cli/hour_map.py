"""A month drawn with letters: days downwards, hours across, darker where there was more."""

from relais.models.wire.watch import Hours

SHADES = " ░▒▓█"


def drawn(month: Hours, *, title: str) -> str:
    """One line a day, two columns an hour; `!` stands behind an hour in which a rule found something."""
    most = max((one.ok + one.refused for one in month.hours), default=0)
    cells = {(one.day, one.hour): one for one in month.hours}
    lines = [title, "    " + "".join(f"{hour:<2}" for hour in range(24))]
    for day in range(1, month.days + 1):
        marks = []
        for hour in range(24):
            one = cells.get((day, hour))
            count = one.ok + one.refused if one else 0
            marks.append(_shade(count, most) + ("!" if one and one.findings else " "))
        lines.append(f"{day:>2}  {''.join(marks)}".rstrip())
    return "\n".join(lines)


def _shade(count: int, most: int) -> str:
    return SHADES[0] if count == 0 else SHADES[min(4, 1 + 4 * count // (most + 1))]
