"""The directory: who can be found, by every word of a text, accents and case aside."""

import unicodedata

from relais.models.ids import AccountId
from relais.models.refusal import Code, Refusal
from relais.models.store.accounts import PAGE, AccountRow, AccountStore

MOST_FOUND = 100
ALIKE = str.maketrans(
    {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "-": " ", "'": " ", "’": " "}
)


def folded(text: str) -> str:
    """Lower case, without accents, œ as oe."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(one for one in decomposed if not unicodedata.combining(one))
    return " ".join(plain.translate(ALIKE).split())


class Directory:
    """Every account's profile, held in memory: some thousands of short lines.

    New accounts are read before each search. A changed profile is learnt at once on the node where it
    changed, and on the others when they are told.
    """

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self._rows: dict[AccountId, tuple[str, AccountRow]] = {}
        self._last = 0

    async def search(self, text: str, limit: int) -> list[AccountRow]:
        """At most `limit` accounts (1 to 100) in the order of their names."""
        if not 1 <= limit <= MOST_FOUND:
            raise Refusal(Code.MALFORMED, field="limit")
        words = folded(text).split()
        if not words:
            raise Refusal(Code.MALFORMED, field="text")
        await self._catch_up()
        found = [
            row
            for line, row in self._rows.values()
            if row.replaced_by is None and all(word in line for word in words)
        ]
        return sorted(found, key=lambda row: (folded(row.name), row.number))[:limit]

    async def refresh(self, account: AccountId) -> None:
        """Read one account's profile again."""
        if row := await self._store.row(account):
            self._learn(row)

    async def _catch_up(self) -> None:
        while rows := await self._store.page(self._last, PAGE):
            for row in rows:
                self._learn(row)
            self._last = rows[-1].number

    def _learn(self, row: AccountRow) -> None:
        line = folded(f"{row.name} {row.profession} {row.organisation}")
        self._rows[row.account] = (line, row)
