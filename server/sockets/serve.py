"""The members' sockets: who may open one, what answers an event, when one is cut."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as ConnectionRefused

from relais.models.ids import AccountId, DeviceId
from relais.models.refusal import Code, Refusal
from relais.models.wire import REQUESTS, auth, codec
from relais.server import authorize
from relais.server.audit.record import Act, Recorder
from relais.server.callers import Anyone, Caller, Stranger
from relais.server.clock import now_ms
from relais.server.errors import as_refusal
from relais.server.http import caller_of
from relais.server.identity import Identity
from relais.server.limits import FAILURE_COST, RateLimit
from relais.server.metrics import Metrics
from relais.server.network import source_of
from relais.server.requests import asking, current
from relais.server.sockets.engine import NAMESPACE, FanOut, SocketServer
from relais.server.stated import read_stated

log = logging.getLogger(__name__)

Action = Callable[[Caller, Any], Awaitable[Any]]
EVENTS_TO_REQUESTS: dict[str, Any] = {kind.EVENT: kind for kind in list(REQUESTS)}
CUT_OFF = "relais.cut-off"
PROFILE_CHANGED = "relais.profile-changed"


@dataclass(frozen=True)
class Needs:
    """What the sockets are made of. `trust_proxy`: believe a proxy about the address of a member."""

    identity: Identity
    recorder: Recorder
    devices: RateLimit
    addresses: RateLimit
    metrics: Metrics
    trust_proxy: bool = False


@dataclass
class Session:
    """One open socket: who it is, the host it was opened to, and when its token ends. `is_cut`: for good."""

    caller: Caller
    host: str
    expires_at: int
    busy: int = 0
    is_cut: bool = False


class Sockets:
    """Implements `Hub`. `actions` may be filled after construction, before the first member comes."""

    def __init__(self, needs: Needs, manager: FanOut) -> None:
        self._needs = needs
        self._manager = manager
        self._server = SocketServer(manager, self.answer)
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._sessions: dict[str, Session] = {}
        self._requests = EVENTS_TO_REQUESTS
        self.actions: dict[type, Action] = {}
        manager.controls[CUT_OFF] = self._cut_off_here

    def attach(self, app: web.Application) -> None:
        self._server.attach(app)

    def add(self, actions: Mapping[type, Action]) -> None:
        """Say what answers which request."""
        self.actions.update(actions)

    async def tell_accounts(self, event: Any, accounts: Iterable[AccountId]) -> None:
        if rooms := list(accounts):
            await self._emit(event.EVENT, codec.encode(event), rooms)

    async def tell_device(self, event: Any, device: DeviceId) -> None:
        await self._emit(event.EVENT, codec.encode(event), [device])

    async def cut_off(self, device: DeviceId) -> None:
        await self._emit(CUT_OFF, {"device": device}, [device])

    async def profile_changed(self, account: AccountId) -> None:
        await self._emit(PROFILE_CHANGED, {"account": account}, [account])

    async def _emit(self, event: str, data: dict[str, Any], rooms: list[str]) -> None:
        """What is told is stored already: who asked must not hear that it failed because telling did."""
        try:
            await self._manager.emit(event, data, NAMESPACE, room=rooms)
        except Exception:
            log.exception("an event was lost", extra={"told": event})

    def on_profile_changed(self, refresh: Callable[[AccountId], Awaitable[None]]) -> None:
        """Say what this node does when a profile changed on any."""

        async def control(data: Mapping[str, str]) -> None:
            await refresh(data["account"])
            await self._learn(data["account"])

        self._manager.controls[PROFILE_CHANGED] = control

    async def _learn(self, account: AccountId) -> None:
        """What an open socket's caller belongs to, and where it was let in, after either changed."""
        for session in [one for one in self._sessions.values() if one.caller.account == account]:
            try:
                holder = await self._needs.identity.holder(session.caller.device)
            except Refusal:
                continue  # the device is no longer in force: its socket is being ended
            organisation = holder.state.profile.organisation
            session.caller = replace(session.caller, organisation=organisation, doors=holder.doors)

    async def cut_off_expired(self) -> None:
        """End the sockets whose token has ended; runs until cancelled."""
        while True:
            await asyncio.sleep(1)
            now = now_ms()
            for sid in [sid for sid, held in self._sessions.items() if held.expires_at <= now]:
                await self._server.end(sid)

    async def close(self) -> None:
        """Tell every member to come back elsewhere, and end all sockets."""
        for sid in list(self._sessions):
            await self._server.end(sid)
        await self._server.close()

    async def _connect(self, sid: str, environ: dict[str, Any], token: Any = None) -> None:
        with asking():
            await self._admit(sid, environ["aiohttp.request"], token)

    async def _admit(self, sid: str, request: web.Request, said: Any) -> None:
        source = source_of(request, self._needs.trust_proxy)
        try:
            claims = await self._needs.identity.verify(_token_of(said))
            stated = read_stated(said.get("purpose"), said.get("on_behalf_of"))
        except Exception as error:
            refusal = await self._turn_away(Stranger(source, current()), error)
            raise ConnectionRefused(refusal.code.value, refusal.as_wire()) from error
        caller = caller_of(claims, source, stated)
        self._sessions[sid] = Session(caller, request.host, claims.expires_at)
        self._needs.metrics.sockets.inc()
        line = self._server.line_of(sid)
        if line is not None:
            line.admit()
            self._manager.join(line, (caller.account, caller.device))

    async def _turn_away(self, who: Stranger, error: Exception) -> Refusal:
        try:
            self._needs.addresses.take(who.source or "", cost=FAILURE_COST)
        except Refusal as limited:
            return limited
        return await self._refuse(who, Act("socket.connect"), error)

    async def _disconnect(self, sid: str, reason: str) -> None:
        session = self._sessions.pop(sid, None)
        if session is None:
            return
        self._needs.metrics.sockets.dec()
        line = self._server.line_of(sid)
        if line is not None:
            self._manager.leave(line, (session.caller.account, session.caller.device))

    async def _cut_off_here(self, data: Mapping[str, str]) -> None:
        """At once; a device that revokes itself hears the answer first."""
        device = data["device"]
        for sid, held in list(self._sessions.items()):
            if held.caller.device == device:
                held.expires_at, held.is_cut = 0, True
                if not held.busy:
                    await self._server.end(sid)

    async def answer(self, sid: str, data: Any) -> dict[str, Any]:
        """Answer one event, whatever it is and whatever happens."""
        session = self._sessions.get(sid)
        if session is None:  # its end was told already, and nobody hears this
            return {"error": Refusal(Code.UNAUTHENTICATED).as_wire()}
        name = _name_of(data) or ""
        session.busy += 1
        timed = self._needs.metrics.timed(name if name in self._requests else "unknown")
        with asking() as request, timed as outcome:
            session.caller = replace(session.caller, request=request)
            try:
                return {"ok": codec.encode(await self._act(session, name, data))}
            except Exception as error:  # noqa: BLE001 (whatever it is, it is answered)
                refusal = await self._refuse(session.caller, _act_of(name, data), error)
                outcome.code = refusal.code.value
                return {"error": refusal.as_wire()}
            finally:
                session.busy -= 1

    async def _act(self, session: Session, name: str, data: Any) -> Any:
        self._needs.devices.take(session.caller.device)
        if session.expires_at <= now_ms():
            raise Refusal(Code.UNAUTHENTICATED)
        kind = self._requests.get(name)
        if kind is None or len(data) != 2:
            raise Refusal(Code.MALFORMED, field="event")
        authorize.may_ask(session.caller.roles, name)
        request: Any = codec.decode(kind, data[1])
        if kind is auth.AskChallenge:
            return self._needs.identity.challenge(request)
        if kind is auth.AskToken:
            return await self._renew(session, request)
        return await self.actions[kind](session.caller, request)

    async def _renew(self, session: Session, request: auth.AskToken) -> auth.Token:
        """Prolong the socket; a token for another device would change who is here."""
        token = await self._needs.identity.token(request, session.host, session.caller)
        if session.is_cut:  # while the token was made
            raise Refusal(Code.UNAUTHENTICATED, reason="revoked-device")
        session.expires_at = token.expires_at
        return token

    async def _refuse(self, who: Anyone, act: Act, error: Exception) -> Refusal:
        """Record a refusal before it is told. A flood is told and counted, not recorded."""
        refusal = as_refusal(error)
        if refusal.code in (Code.RATE_LIMITED, Code.UNAVAILABLE):
            return refusal
        try:
            await self._needs.recorder.record(who, act, refusal=refusal)
        except Exception as failure:  # noqa: BLE001 (whatever it is, it is answered)
            return as_refusal(failure)
        return refusal


def _token_of(auth_data: Any) -> str:
    token = auth_data.get("token") if isinstance(auth_data, dict) else None
    if not isinstance(token, str):
        raise Refusal(Code.UNAUTHENTICATED)
    return token


def _name_of(data: Any) -> str | None:
    if isinstance(data, list) and data and isinstance(data[0], str):
        return data[0]
    return None


def _act_of(name: str, data: Any) -> Act:
    """What was tried, as far as it can be told from what came."""
    known = name if name in EVENTS_TO_REQUESTS else "event.unknown"
    request = data[1] if isinstance(data, list) and len(data) > 1 else None
    circle = request.get("circle") if isinstance(request, dict) else None
    return Act(known, circle=circle if _is_id(circle) else None)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")
