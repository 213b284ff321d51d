"""What deserves an auditor's look: findings, the rules that make them, counts over time (docs/audit-log.md)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from relais.models.ids import AccountId, CircleId, Length, Millis, Word
from relais.models.wire.audit import AuditRow, Organisation, Outcome

RuleName = Literal[
    "alarm",
    "outside-hours",
    "many-circles",
    "after-leaving",
    "refusals",
    "auditor-colleague",
    "break-glass",
    "escrow-login",
]
Verdict = Literal["expected", "explained", "escalated"]


@dataclass(frozen=True)
class Finding:
    """What a rule found at one entry of the log.

    ``count`` and ``minutes``: how many circles or refusals within how long; how long after leaving; 0 where the rule
    counts nothing. ``about``: the colleague who was looked up, or whom an alarm is about, or who was let in by emergency
    access. ``kind``: the alarm's word. ``due``: until when somebody has to look; null where the rule sets no time.
    ``reviewed_by``: null as long as nobody has looked.
    """

    rule: RuleName
    index: int
    at: Millis
    account: AccountId | None
    circle: CircleId | None
    about: AccountId | None
    kind: Word | None
    count: int
    minutes: int
    due: Millis | None
    reviewed_by: AccountId | None
    reviewed_at: Millis | None
    verdict: Verdict | None


@dataclass(frozen=True)
class ListFindings:
    """Newest first. ``open``: those that nobody has reviewed. ``before``: index to continue below (0: newest)."""

    EVENT: ClassVar = "audit.findings"
    open: bool
    account: AccountId | None
    before: int
    limit: int


@dataclass(frozen=True)
class Findings:
    """``size``: of how many entries the rules have seen; what is newer is looked at in a moment.

    ``overdue``: how many findings, of all, nobody has reviewed by the time they were due.
    """

    rows: tuple[Finding, ...]
    more: bool
    size: int
    overdue: int


@dataclass(frozen=True)
class ReviewsDue:
    """Event, once a day: so many findings are past due. To auditors; from the second day on to administrators too."""

    EVENT: ClassVar = "audit.due"
    count: int


@dataclass(frozen=True)
class ReviewFinding:
    """An auditor's word on a finding; the last one stands."""

    EVENT: ClassVar = "audit.review"
    rule: RuleName
    index: int
    verdict: Verdict


@dataclass(frozen=True)
class ViewEntry:
    """An auditor opens one entry."""

    EVENT: ClassVar = "audit.view"
    index: int


@dataclass(frozen=True)
class Viewed:
    row: AuditRow
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class TellVerified:
    """What a reader's program found when it verified the log: a tree head, the entries proven, the reason of a failure."""

    EVENT: ClassVar = "audit.verify"
    size: int
    root: Annotated[bytes, Length(32, 32)]
    entries: int
    reason: Annotated[str, Length(40)] | None


@dataclass(frozen=True)
class VerifiedNoted:
    pass


@dataclass(frozen=True)
class CountAudit:
    """How much matched when: the filters of ``audit.search``."""

    EVENT: ClassVar = "audit.volume"
    account: AccountId | None
    circle: CircleId | None
    organisation: Organisation | None
    action: Annotated[str, Length(40)] | None
    outcome: Outcome | None
    since: Millis | None
    until: Millis | None


@dataclass(frozen=True)
class Bucket:
    """``since`` ≤ at < ``until``."""

    since: Millis
    until: Millis
    ok: int
    refused: int


@dataclass(frozen=True)
class Volume:
    """Oldest first, even widths. Not ``complete``: only the newest were counted, what is missing is older."""

    buckets: tuple[Bucket, ...]
    complete: bool


@dataclass(frozen=True)
class CountHours:
    """A person's month, ``YYYY-MM``, day by day and hour by hour in the time zone of the rules."""

    EVENT: ClassVar = "audit.hours"
    account: AccountId
    month: Annotated[str, Length(7, 7)]


@dataclass(frozen=True)
class Hour:
    """``day`` 1 to 31, ``hour`` 0 to 23; hours in which nothing happened are left out."""

    day: int
    hour: int
    ok: int
    refused: int
    findings: int


@dataclass(frozen=True)
class Hours:
    """``usual``: the person's hours, 0 to 23 on weekdays, 24 to 47 at weekends; empty as long as they are not known."""

    zone: str
    days: int
    hours: tuple[Hour, ...]
    usual: Annotated[tuple[int, ...], Length(48)]
    size: int


@dataclass(frozen=True)
class OpeningHours:
    """An organisation's hours: ISO weekdays ``first_day`` to ``last_day`` (1 is Monday), ``from_hour`` ≤ hour < ``until_hour``."""

    organisation: Organisation
    first_day: int
    last_day: int
    from_hour: int
    until_hour: int


@dataclass(frozen=True)
class Rules:
    """What the rules are set to; ``on`` names those that are in use. ``version`` counts their changes from 0."""

    version: int
    on: Annotated[tuple[RuleName, ...], Length(8)]
    zone: Annotated[str, Length(60)]
    learn_days: int
    opening: Annotated[tuple[OpeningHours, ...], Length(100)]
    circles: int
    circles_minutes: int
    grace_minutes: int
    refusals: int
    refusals_minutes: int
    review_hours: int


@dataclass(frozen=True)
class GetRules:
    """By auditors and administrators."""

    EVENT: ClassVar = "audit.rules"


@dataclass(frozen=True)
class SetRules:
    """By auditors and administrators. ``rules.version`` is the one that was read: another one is a ``conflict``."""

    EVENT: ClassVar = "audit.rules.set"
    rules: Rules
