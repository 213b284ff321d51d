"""``audit verify``: an exported log checked with files and a public key only, no server and no account; where there are both, the
server is told the result."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from relais.client.cli import audit_questions, proof_commands
from relais.client.cli.output import rfc3339
from relais.client.errors import BadLink
from relais.client.home import Home
from relais.client.log_watch import LogAlarm, LogState, dismiss, sentence, trust
from relais.client.telling import OTHER_LOG, tell_verified
from relais.crypto.checkpoint import Policy
from relais.crypto.export_check import ExportError, ExportReport, verify_export
from relais.crypto.merkle import TreeHead
from relais.crypto.signed_note import SignedNoteError, VerifierKey, parse_vkey
from relais.crypto.trust_policy import parse_trust_policy
from relais.models.wire.watch import TellVerified

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation

_PIECE = 1024 * 1024
_LAST_SECOND = 253_402_300_799
"""Of the year 9999: a time no calendar has is shown as the last it has."""
_UNTOLD = {
    "not-enrolled": "this folder belongs to no account.",
    "server-unreachable": "it cannot be reached.",
    OTHER_LOG: "it keeps another log.",
}


def declare(grammar: "Grammar") -> None:
    audit = grammar.group("audit", "check the audit log")
    audit_questions.declare(audit)
    proof_commands.declare_bundle(audit)
    status = audit.command(
        "status", _status, "whether what this folder was shown is as the log tells"
    )
    status.add_argument("--dismiss", action="store_true", help="the alarm was looked into")
    asked = audit.command("trust", _trust, "ask for the log's witnesses from now on")
    asked.add_argument("policy", type=Path, metavar="FILE", help="a policy (C2SP tlog-policy)")
    verify = audit.command(
        "verify", _verify, "prove that nothing was changed, removed or added in an exported log"
    )
    verify.add_argument("directory", type=Path, metavar="DIR")
    verify.add_argument(
        "--key", metavar="VKEY", help="the log's public key, from where you trust it"
    )
    verify.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="whose signatures you ask for (C2SP tlog-policy): the log's keys, its witnesses, and how many of these",
    )
    verify.add_argument(
        "--since",
        metavar="SIZE:ROOT",
        help="a tree head you kept (size, root in hex): the log must continue it",
    )


async def _status(call: "Invocation") -> None:
    home = Home.open(call.home)
    state = LogState.of(home)
    if call.arguments.dismiss:
        dismiss(home)
    proven = sum(1 for one in state.ledgers.values() if one.at)
    alarm = state.alarm
    facts = {
        "key": state.vkey,
        "policy": state.policy is not None,
        "size": state.head.size,
        "root": state.head.root.hex(),
        "checked_at": rfc3339(state.checked_at) if state.checked_at else None,
        "ledgers": proven,
        "missing": sum(1 for one in state.ledgers.values() if one.since),
        "alarm": {"reason": alarm.reason, "at": rfc3339(alarm.at), "ledger": alarm.ledger}
        if alarm
        else None,
    }
    call.output.one(facts, _status_sentence(facts, alarm))


def _status_sentence(facts: dict[str, Any], alarm: LogAlarm | None) -> str:
    if facts["key"] is None:
        return "This folder has not met the log yet."
    told = f"Checked against the log at {facts['checked_at'] or 'no time yet'}: {facts['ledgers']} circles and accounts are as the log tells."
    if facts["missing"]:
        told += f"\nNewest changes of {facts['missing']} are not in it yet."
    told += f"\nThe log had {facts['size']} entries then. Its key: {facts['key']}"
    return f"{told}\nALARM at {facts['alarm']['at']}: {sentence(alarm)}" if alarm else told


async def _trust(call: "Invocation") -> None:
    home = Home.open(call.home)
    trust(home, call.arguments.policy.read_bytes())
    call.output.one({"policy": True}, "From now on the log must be signed as this policy asks.")


async def _verify(call: "Invocation") -> None:
    given = call.arguments
    trusted = _trusted(given)
    meter = tqdm(desc="verifying", unit=" entries", disable=None, leave=False)

    def progress(done: int, total: int) -> None:
        meter.total = total
        meter.update(done - meter.n)

    older = _head(given.since) if given.since else None
    try:
        with meter:
            report = verify_export(
                lambda path: _read(given.directory / path), trusted, progress=progress, older=older
            )
    except ExportError as error:
        failed = TellVerified(0, bytes(32), 0, error.reason)
        untold = await tell_verified(call.home, failed, of_log=trusted.logs)
        call.output.aside(_told_sentence(untold))
        raise
    facts = _facts(report, trusted)
    facts["key_from_export"] = given.key is None and given.policy is None
    head = report.signed.head
    found = TellVerified(head.size, head.root, head.size - report.pruned, None)
    facts["untold"] = await tell_verified(call.home, found, of_log=trusted.logs)
    call.output.one(facts, _sentence(facts))


def _facts(report: ExportReport, trusted: Policy) -> dict[str, Any]:
    head, signed = report.signed.head, report.signed.signed
    key = next(one.key for one in signed if one.key in trusted.logs)
    return {
        "verified": True,
        "size": head.size,
        "root": head.root.hex(),
        "log": key.name,
        "key": key.encode(),
        "witnesses": [
            {"name": one.key.name, "at": rfc3339(min(one.at, _LAST_SECOND) * 1000)}
            for one in signed
            if one.at is not None
        ],
        "first_at": report.first_at,
        "last_at": report.last_at,
        "pruned": report.pruned,
    }


def _sentence(facts: dict[str, Any]) -> str:
    good = (
        f"Verified: {facts['size']} entries, {facts['first_at']} to {facts['last_at']}, "
        f"none changed, removed or added.\nTree head to keep: {facts['size']}:{facts['root']}"
    )
    if facts["pruned"]:
        good += f"\nThe content of {facts['pruned']} of them expired and was pruned; the log says so, and their hashes are as signed."
    for witness in facts["witnesses"]:
        good += f"\nWitnessed by {witness['name']} at {witness['at']}"
    if facts["key_from_export"]:
        good += f"\nThe key came with the export. Compare it with what the operator published: {facts['key']}"
    return f"{good}\n{_told_sentence(facts['untold'])}"


def _told_sentence(untold: str | None) -> str:
    if untold is None:
        return "The server was told, and its log has an entry of this verification."
    return f"The server was not told of this verification: {_UNTOLD.get(untold, untold)}"


def _trusted(given: Namespace) -> Policy:
    """The policy asked for; with a policy and a key, the key must be one of its logs'."""
    if given.policy is None:
        return Policy((_key(given.key, given.directory),))
    key = _key(given.key, given.directory) if given.key else None
    trust = parse_trust_policy(given.policy.read_bytes())
    return trust.policy(key) if trust.logs or key else trust.policy(_key(None, given.directory))


def _key(text: str | None, directory: Path) -> VerifierKey:
    try:
        return parse_vkey(text or (directory / "log.vkey").read_text().strip())
    except FileNotFoundError:
        raise ExportError("file-missing", path="log.vkey") from None
    except SignedNoteError:
        raise ExportError("key-malformed", path="log.vkey") from None


def _head(text: str) -> TreeHead:
    size, _, root = text.partition(":")
    try:
        return TreeHead(int(size), bytes.fromhex(root))
    except ValueError:
        raise BadLink("a tree head is SIZE:ROOT, the root 64 hex digits") from None


def _read(path: Path) -> Iterator[bytes] | None:
    return _pieces(path) if path.is_file() else None


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
