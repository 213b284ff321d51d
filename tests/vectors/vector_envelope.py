"""envelope.json: notes in the circle of `vector_ledger.standing`."""

from collections.abc import Iterable
from typing import Any

import vector_people as people
from vector_ledger import OPENED, Circle, epoch_key, identity, opens, standing
from vector_people import CHAINS, HOUR, Json, keys, random

from relais.crypto import envelope
from relais.crypto.content import Attachment, Content, Form
from relais.crypto.envelope import Draft, To

AT = OPENED + 2 * HOUR
NOTE = "0199612c-1c00-7000-8000-000000000001"
KEYS = {("team", 1): epoch_key("team", 1), ("family", 1): epoch_key("family", 1)}


def circle() -> Circle:
    """The circle with a second epoch of the team."""
    return standing().then("anne phone", AT, opens("team", 2))


def keys_json(known: dict[tuple[str, int], bytes]) -> list[Json]:
    return [{"audience": a, "epoch": n, "key": key.hex()} for (a, n), key in known.items()]


def draft(by: str, **more: Any) -> Draft:
    state = standing().known()
    said = {
        "circle": state.circle,
        "note": NOTE,
        "version": 1,
        "replaces": None,
        "kind": "post",
        "account": identity(by.split()[0]),
        "at": AT,
        "ledger_seq": state.seq,
        "ledger_head": state.head,
    }
    return Draft(**{**said, **more})


def to_team() -> To:
    return To("team", 1, key=epoch_key("team", 1))


def to_inbox(audience: str) -> To:
    return To(audience, 1, inbox_key=standing().known().audiences[audience].current.inbox_key)


def sealed(label: str, by: str, said: Content, *to: To, **more: Any) -> tuple[bytes, Json]:
    """An envelope, and what is needed to seal it again."""
    entropy = random(f"entropy {label}", envelope.ENTROPY_SIZE)
    written = draft(by, **more)
    data = envelope.seal(keys(by), written, said, to=to or (to_team(),), entropy=entropy)
    return data, {
        "by": by,
        "draft": people.as_json(written),
        "content": people.as_json(said),
        "to": [people.as_json(one) for one in to or (to_team(),)],
        "entropy": entropy.hex(),
    }


PLAIN = Content("OBS", "Plaie propre, pansement refait.")
PICTURE = Attachment(
    id="0199612c-1c00-7000-8000-0000000000a1",
    blob=random("blob").hex(),
    key=random("file key"),
    name="plaie.jpg",
    media_type="image/jpeg",
    size=123_456,
    sha256=random("plain").hex(),
)
PATIENT = Content(
    "PROFILE",
    "Mme D.",
    form=Form(
        "relais/patient/1", {"name": "D.", "sex": "F", "born": "1941-02-03", "place": "Dijon"}
    ),
)
POST = sealed("post", "anne phone", PLAIN)[0]


def _notes() -> Iterable[tuple[str, tuple[bytes, Json], list[bytes]]]:
    yield "a post to the team", sealed("post", "anne phone", PLAIN), []
    fixed = Content("OBS", "Plaie propre, pansement refait à 9 h.", attachments=(PICTURE,))
    first = envelope.peek(POST).digest
    correction = sealed(
        "correction", "anne laptop", fixed, version=2, replaces=first, kind="correction", at=AT + 1
    )
    yield "a correction from another device", correction, [POST]
    second = envelope.peek(correction[0]).digest
    gone = sealed(
        "withdrawal",
        "anne phone",
        Content("OBS", "Erreur"),
        version=3,
        replaces=second,
        kind="withdrawal",
    )
    yield "a withdrawal", gone, [POST, correction[0]]
    family = To("family", 1, key=epoch_key("family", 1))
    two = sealed(
        "two",
        "anne phone",
        PLAIN,
        to_team(),
        family,
        urgent=True,
        acknowledge=True,
        mentions=(identity("bruno"),),
    )
    yield "to two audiences, urgent", two, []
    yield (
        "by a bot, through the inbox",
        sealed("bot", "lab machine", Content("GEN", "Résultat"), to_inbox("team")),
        [],
    )
    yield "by a carer to the family", sealed("carer", "denis phone", PLAIN, family), []
    profile = sealed("profile", "anne phone", PATIENT, family, to_team(), kind="profile")
    yield "the circle's profile", profile, []
    digest = envelope.peek(profile[0]).digest
    by_bruno = sealed(
        "profile 2",
        "bruno phone",
        PATIENT,
        to_inbox("family"),
        to_team(),
        kind="profile",
        version=2,
        replaces=digest,
    )
    yield "the profile again, partly through the inbox", by_bruno, [profile[0]]


def _note_json(name: str, made: tuple[bytes, Json], previous: list[bytes]) -> Json:
    data, told = made
    read = envelope.peek(data)
    return {
        "name": name,
        **told,
        "previous": [version.hex() for version in previous],
        "is_deterministic": all(one["key"] is not None for one in told["to"]),
        "header": people.as_json(read.header),
        "digest": read.digest,
        "envelope": data.hex(),
    }


def envelopes() -> Json:
    import vector_envelope_bad

    return {
        "description": "Envelopes (docs/protocol.md §6) in the circle of `entries`. A good one passes every stage: "
        "peek, verify (by the author's chain, the longest there is), posting (could post, by the head it names), "
        "follows (its `previous`), open (with `keys`); and comes out the same byte for byte when sealed again with "
        "`entropy` (content key 32, content nonce 12, then a nonce of 12 for each audience in ascending order), "
        "where `is_deterministic`. A bad one is refused for `reason` at its `stage`; the stages before pass, save "
        "that only `open` needs no posting or follows.",
        "devices": people.devices_json(),
        "chains": people.chains_json(*CHAINS),
        "entries": [entry.hex() for entry in circle().entries],
        "keys": keys_json(KEYS),
        "good": [_note_json(name, made, previous) for name, made, previous in _notes()],
        "bad": [
            {
                "name": name,
                "stage": stage,
                "reason": reason,
                "envelope": data.hex(),
                "previous": [version.hex() for version in previous],
            }
            for stage, name, reason, data, previous in vector_envelope_bad.bad()
        ],
    }
