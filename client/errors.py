"""What can go wrong on the member's own side. Each docstring is the sentence the person reads."""

import inspect

from relais.models.ids import Digest


class ClientError(Exception):
    """Something went wrong."""

    def __init__(self, detail: str = "") -> None:
        sentence = inspect.cleandoc(type(self).__doc__ or "")
        super().__init__(f"{sentence} ({detail})" if detail else sentence)

    @property
    def reason(self) -> str:
        """A stable kebab-case word: the class's name."""
        name = type(self).__name__
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


class NotEnrolled(ClientError):
    """There is no account in this folder yet: use `relais enrol URL`, `relais device join CODE` or `relais restore`."""


class AlreadyEnrolled(ClientError):
    """This folder already holds an account: choose another with --home."""


class WrongPassphrase(ClientError):
    """The passphrase does not open this folder's keys."""


class PassphraseNeeded(ClientError):
    """This folder needs a passphrase: set RELAIS_PASSPHRASE, run in a terminal, or install an OS keyring."""


class DamagedHome(ClientError):
    """A file in this folder is damaged or was changed; restore the folder, or recover with the kit."""


class ServerUnreachable(ClientError):
    """The server can't be reached; what you wrote is kept and goes out with the next command."""


class BadLink(ClientError):
    """This is not a link or code that Relais made."""


class BadAnswer(ClientError):
    """The server's answer does not hold up to its proof; nothing was changed."""


class LedgerAlarm(ClientError):
    """The circle's ledger contradicts what this device saw before; nothing is posted here until that is cleared up."""

    def __init__(
        self, word: str, *, of: Digest | None = None, seq: int | None = None, is_new: bool = True
    ) -> None:
        """``of``, ``seq``: what contradicts it, at which place. Not ``is_new``: this device knew of it."""
        super().__init__(word)
        self.word = word
        self.of = of
        self.seq = seq
        self.is_new = is_new


class RefusedHere(ClientError):
    """The circle's rules do not allow this; nothing was changed."""

    def __init__(self, rule: str) -> None:
        """``rule``: the word by which the ledger names it."""
        super().__init__(rule)
        self.rule = rule


class UnknownCircle(ClientError):
    """There is no such circle among yours."""


class UnknownNote(ClientError):
    """There is no such note in this circle."""


class UnknownVersion(ClientError):
    """The note has no such version."""


class UnknownAttachment(ClientError):
    """The note has no such attachment."""


class NobodyWaits(ClientError):
    """That account was not reset, or whoever replaced it is in the circle already."""


class UnknownEscrow(ClientError):
    """There is no such escrow among those of your organisation, of your circles, and those you guard."""


class UnknownEmergency(ClientError):
    """There is no such request for emergency access among those that concern you."""


class NoShareHere(ClientError):
    """This device has no share of that escrow yet: another device of yours, which has one, has to come online first."""


class GuardiansMissing(ClientError):
    """Not enough of what the guardians gave opens here: they, or another of their devices, have to approve again."""


class AudienceExists(ClientError):
    """This circle has that audience already."""


class Locked(ClientError):
    """Your keys for this circle are on their way: a colleague's device, or another of yours, has to come online."""


class ProfileUnreadable(ClientError):
    """The patient's profile can't be read and this device never saw a good one: a colleague whose device did can do this."""


class TooLarge(ClientError):
    """The file is larger than 25 MB."""


class UnsupportedFile(ClientError):
    """Only JPEG, PNG, WebP, HEIC and PDF files can be attached."""
