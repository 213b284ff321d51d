"""What the log says of a ledger entry: which kinds of operation, and about whom if about one."""

from collections.abc import Mapping

from relais.crypto import ledger
from relais.crypto.audit_entry import SubjectValue
from relais.crypto.ledger import CircleState, Entry
from relais.server.audit.record import Act
from relais.server.circle_book import CircleView

_WORDS: dict[type, str] = {
    ledger.Create: "create",
    ledger.MemberAdd: "member.add",
    ledger.MemberRemove: "member.remove",
    ledger.MemberChange: "member.change",
    ledger.MemberReadmit: "member.readmit",
    ledger.EpochOpen: "epoch.open",
    ledger.Close: "close",
}


def act_of(
    before: CircleView | None, after: CircleState, entry: Entry, told: Mapping[str, SubjectValue]
) -> Act:
    """An entry that made `after` of `before`; `told`: what belongs to it besides."""
    named = {one.account for one in entry.operations if hasattr(one, "account")}
    words = dict.fromkeys(_WORDS[type(one)] for one in entry.operations)
    subject: dict[str, SubjectValue] = {"seq": after.seq, "head": after.head}
    subject |= {"operations": " ".join(words), **told}
    if len(named) == 1:
        subject["member"] = named.pop()
    state = before.state if before else after
    role = state.members[entry.account].role
    return Act("circle.append" if before else "circle.create", after.circle, subject, role=role)
