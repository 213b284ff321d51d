"""Handing out one note with its evidence (docs/protocol.md §11): a file that anybody checks without Relais, and that opens nothing else."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from relais.client import blobs, circle_state
from relais.client.blobs import Progress, silent
from relais.client.circle_state import CircleView
from relais.client.errors import UnknownNote
from relais.client.reading import Note
from relais.client.session import Session
from relais.crypto import account, cose, envelope, ledger, receipt, stream
from relais.crypto.envelope import Envelope
from relais.crypto.errors import ProtocolError
from relais.crypto.proof_bundle import DisclosedNote, ProofBundle, ProvenEntry
from relais.models.ids import AccountId, BlobId
from relais.models.refusal import Code, Refusal
from relais.models.wire.account import Chains, GetAccounts
from relais.models.wire.note import (
    DiscloseNote,
    GetNote,
    GetReceipts,
    NoteProven,
    Notes,
    Receipts,
)
from relais.verifier import relais_verify

_TRIES: Final = 20
_WAIT_SECONDS: Final = 0.5
"""An entry is in the log's published tree within a second or two."""


@dataclass(frozen=True)
class Wanted:
    """What goes beside the note: who received and read it; the attachments themselves."""

    receipts: bool = True
    attachments: bool = False


@dataclass(frozen=True)
class Disclosed:
    """The file, and the accounts whose names and devices it shows."""

    data: bytes
    entries: int
    accounts: tuple[AccountId, ...]


async def disclose(
    session: Session, view: CircleView, note: Note, wanted: Wanted, *, progress: Progress = silent
) -> Disclosed:
    """One version, opened to whoever has the file: it was checked with the program that its reader will use.

    Raises `UnknownNote`, `Refusal`, `ProtocolError` (what it would be made of does not hold).
    """
    sealed = await _envelope(session, view, note)
    key = envelope.content_key(sealed, view.keys)
    entries = (await circle_state.entries(session, view.circle))[: sealed.header.ledger_seq + 1]
    receipts = await _receipts(session, view, note) if wanted.receipts else ()
    files = await _files(session, view, note, progress) if wanted.attachments else {}
    chains = await _chains(session, entries, (sealed.header.account, *_readers(receipts)))
    proven = await _proven(session, note, receipts=wanted.receipts)
    disclosed = DisclosedNote(
        sealed.raw, key, tuple(chains.values()), tuple(entries), receipts, files
    )
    bundle = ProofBundle(proven.vkey, proven.checkpoint, _told(proven), note=disclosed)
    data = bundle.encode()
    check(data, proven.vkey)
    return Disclosed(data, len(proven.entries), tuple(chains))


def check(data: bytes, vkey: str) -> None:
    """What its reader will see, for a log of this key. Raises `ProtocolError` with the verifier's reason."""
    try:
        trust = relais_verify.Trust(key=relais_verify.read_vkey(vkey))
        relais_verify.check_bundle(data, trust)
    except relais_verify.Refused as refused:
        raise ProtocolError(refused.reason) from refused


async def _envelope(session: Session, view: CircleView, note: Note) -> Envelope:
    """The very version that was read and verified as `note`."""
    answer: Notes = await session.call(GetNote(view.circle, note.note))
    for stored in answer.notes:
        if cose.digest(stored.envelope) == note.digest:
            return envelope.peek(stored.envelope)
    raise UnknownNote


async def _receipts(session: Session, view: CircleView, note: Note) -> tuple[bytes, ...]:
    answer: Receipts = await session.call(GetReceipts(view.circle, note.note))
    every = [stored.receipt for stored in answer.receipts]
    return tuple(data for data in every if receipt.peek(data).envelope == note.digest)


def _readers(receipts: Iterable[bytes]) -> list[AccountId]:
    return [receipt.peek(data).account for data in receipts]


async def _files(
    session: Session, view: CircleView, note: Note, progress: Progress
) -> dict[BlobId, bytes]:
    return {
        one.blob: await blobs.download(
            session, view.circle, one.blob, size=stream.sealed_size(one.size), progress=progress
        )
        for one in note.attachments
    }


async def _chains(
    session: Session, entries: Sequence[bytes], whole: Sequence[AccountId]
) -> dict[AccountId, tuple[bytes, ...]]:
    """Chains by account: those of `whole` to their end, of others as far as the ledger was signed under them."""
    peeked = [ledger.peek_entry(data) for data in entries]
    needed = sorted({*whole, *(entry.account for entry in peeked)})
    answer: Chains = await session.call(GetAccounts(tuple(needed)))
    found: dict[AccountId, tuple[bytes, ...]] = {}
    for chain in answer.chains:
        state = account.replay(chain.statements)
        heads = [entry.account_head for entry in peeked if entry.account == state.account]
        last = state.seq if state.account in whole else max(map(state.heads.index, heads))
        found[state.account] = chain.statements[: last + 1]
    return dict(sorted(found.items()))


async def _proven(session: Session, note: Note, *, receipts: bool) -> NoteProven:
    """The log's part, once its entry has its place in the published tree."""
    ask = DiscloseNote(note.circle, note.note, note.version, receipts)
    for _ in range(_TRIES - 1):
        try:
            return await _asked(session, ask)
        except Refusal as refusal:
            if refusal.code is not Code.UNAVAILABLE:
                raise
        await asyncio.sleep(_WAIT_SECONDS)
    return await _asked(session, ask)


async def _asked(session: Session, ask: DiscloseNote) -> NoteProven:
    proven: NoteProven = await session.call(ask)
    return proven


def _told(proven: NoteProven) -> tuple[ProvenEntry, ...]:
    return tuple(ProvenEntry(one.index, one.entry, one.path) for one in proven.entries)
