"""Telling the server what one's own program found when it verified the log, so that the log has it (``audit.verify``)."""

from collections.abc import Collection
from pathlib import Path

from relais.client.errors import ClientError
from relais.client.home import Home
from relais.client.log_watch import LogState
from relais.client.session import Session
from relais.crypto.signed_note import VerifierKey
from relais.models.refusal import Refusal
from relais.models.wire.watch import TellVerified

OTHER_LOG = "other-log"


async def tell_verified(
    home: Path, found: TellVerified, *, of_log: Collection[VerifierKey]
) -> str | None:
    """Tell it under this folder's account, where the log is that of its server. Answers None, or a word for why it was not told.

    Words: `other-log` (it is not the log this folder has met), or the reason of a `ClientError` or `Refusal`.
    """
    try:
        unlocked = Home.open(home)
        async with Session(unlocked, watches_log=False) as me:
            met = LogState.of(unlocked).vkey or (await me.file("/log/vkey")).decode().strip()
            if met not in {key.encode() for key in of_log}:
                return OTHER_LOG
            await me.call(found)
    except ClientError as error:
        return error.reason
    except Refusal as refusal:
        return refusal.code.value
    return None
