"""``escrow new|list``."""

from typing import TYPE_CHECKING, Any

from relais.client import escrow, guarding
from relais.client.cli.output import rfc3339
from relais.client.escrow import Sharing
from relais.client.guarding import Escrow
from relais.client.sdk import Client
from relais.crypto.account import Profile

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation

_PROFESSION = "Accès d’urgence"


def declare(grammar: "Grammar") -> None:
    group = grammar.group("escrow", "emergency access: accounts whose key guardians share")
    new = group.command(
        "new", _new, "make an escrow of an invitation with the role escrow; its key is kept nowhere"
    )
    new.add_argument("url", metavar="URL", help="the invitation")
    new.add_argument("--name", required=True, help="as members will see it")
    new.add_argument("--profession", default=_PROFESSION)
    new.add_argument("--organisation", default="")
    new.add_argument(
        "--guardian",
        dest="guardians",
        action="append",
        required=True,
        metavar="ACCOUNT",
        help="who decides; again for each, 2 to 7",
    )
    new.add_argument(
        "--quorum", type=int, required=True, metavar="K", help="how many of them have to approve"
    )
    group.command("list", _list, "list the escrows of your organisation and circles")


async def _new(call: "Invocation") -> None:
    given = call.arguments
    sharing = Sharing(tuple(given.guardians), given.quorum)
    profile = Profile(given.name, given.profession, given.organisation)
    async with Client.open(call.home) as me:
        made = await escrow.make(me.session, given.url, profile, sharing)
        facts = await _facts(me, made)
    names = ", ".join(one["name"] for one in facts["guardians"])
    call.output.one(
        facts,
        f"{given.name}: {made.account}\n{made.statement.quorum} of {names} open it together, and nobody else.\n"
        f"Circles that want it: relais circle add CIRCLE {made.account}",
    )


async def _list(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        rows = [await _facts(me, one) for one in await guarding.known(me.session)]
    shown = [{**row, "among": [one["name"] for one in row["guardians"]]} for row in rows]
    columns = ("name", "organisation", "quorum", "among", "guard", "share_here", "account")
    call.output.many(
        rows if call.output.as_json else shown, columns, none="No escrow: nobody has made one here."
    )


async def _facts(me: Client, one: Escrow) -> dict[str, Any]:
    await me.session.accounts.load(one.statement.guardians)
    profile = one.state.profile
    return {
        "account": one.account,
        "name": profile.name,
        "organisation": profile.organisation,
        "quorum": one.statement.quorum,
        "guardians": [
            {"account": guardian, "name": me.session.accounts[guardian].profile.name}
            for guardian in one.statement.guardians
        ],
        "guard": one.is_guarded_by(me.account),
        "share_here": me.device in one.mine,
        "since": rfc3339(one.statement.at),
    }
