"""HTTP: what happens before there is a socket (``/auth``), attachments (``/blobs``), and what operators ask.

Bodies are JSON, byte strings base64url without padding, errors ``{"error": {code, …facts}}``. Every answer carries
the headers of `site.ALWAYS`.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from relais.models.refusal import HTTP_STATUS, Code, Refusal
from relais.models.wire import Body, codec
from relais.server import authorize
from relais.server.audit.record import Act, Recorder
from relais.server.callers import Anyone, Caller, Stranger
from relais.server.errors import as_refusal
from relais.server.identity import Claims, Identity
from relais.server.limits import FAILURE_COST, RateLimit
from relais.server.metrics import Metrics
from relais.server.network import source_of
from relais.server.requests import asking, current
from relais.server.site import ALWAYS, HSTS
from relais.server.stated import Stated, read_stated

BODY_BYTES = 1_048_576
CALLER = web.RequestKey("caller", Caller)

Exchange = Callable[[Stranger, Any, str], Awaitable[Any]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Gate:
    """What every HTTP request passes through."""

    identity: Identity
    recorder: Recorder
    metrics: Metrics
    addresses: RateLimit
    devices: RateLimit
    trust_proxy: bool = False

    async def caller(self, request: web.Request) -> Caller:
        """Who holds the bearer token. Raises `Refusal` ``unauthenticated``."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(Code.UNAUTHENTICATED)
        claims = await self.identity.verify(token)
        said = request.headers
        stated = read_stated(said.get("Relais-Purpose"), said.get("Relais-On-Behalf-Of"))
        caller = caller_of(claims, self.source(request), stated)
        request[CALLER] = caller  # a refusal later on is recorded as this caller's
        authorize.may_ask(caller.roles, request.path)
        self.devices.take(caller.device)
        return caller

    def stranger(self, request: web.Request) -> Stranger:
        """Somebody unknown, within the limits of their address."""
        who = Stranger(self.source(request), current())
        self.addresses.take(who.source or "")
        return who

    def source(self, request: web.BaseRequest) -> str:
        return source_of(request, self.trust_proxy)

    async def refuse(self, request: web.Request, act: Act, error: Exception) -> web.Response:
        """Record a refusal, then tell it."""
        refusal = as_refusal(error)
        if refusal.code not in (Code.RATE_LIMITED, Code.UNAVAILABLE):
            refusal = await self._recorded(request, act, refusal)
        return refused(refusal)

    async def _recorded(self, request: web.Request, act: Act, refusal: Refusal) -> Refusal:
        who: Anyone = request.get(CALLER) or Stranger(self.source(request), current())
        try:
            if isinstance(who, Stranger):
                self.addresses.take(who.source or "", cost=FAILURE_COST)
            await self.recorder.record(who, act, refusal=refusal)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is answered)
            return as_refusal(error)
        return refusal


def caller_of(claims: Claims, source: str, stated: Stated) -> Caller:
    """Who a token speaks for, asking what is being asked."""
    return Caller(
        account=claims.account,
        device=claims.device,
        roles=claims.roles,
        source=source,
        organisation=claims.organisation,
        request=current(),
        doors=claims.doors,
        purpose=stated.purpose,
        on_behalf_of=stated.on_behalf_of,
    )


def guarded(gate: Gate, act_of: Callable[[web.Request], Act], handler: Handler) -> Handler:
    """Answer whatever happens, recording refusals under the action's name, and time it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        act = act_of(request)
        with asking(), gate.metrics.timed(act.action) as outcome:
            try:
                return await handler(request)
            except web.HTTPException:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is, it is answered)
                response = await gate.refuse(request, act, error)
                outcome.code = str(response.status)
                return response

    return answer


def exchange(gate: Gate, kind: type[Body], action: Exchange) -> Handler:
    """One POST of `wire.EXCHANGES`: JSON in, JSON out."""
    act = Act(kind.PATH.strip("/").replace("/", "."))

    async def handler(request: web.Request) -> web.StreamResponse:
        who = gate.stranger(request)
        message: Any = codec.decode(kind, await _json(request), json=True)
        answer = await action(who, message, request.host)
        headers = {"Cache-Control": "no-store"}
        return web.json_response(codec.encode(answer, json=True), headers=headers)

    return guarded(gate, lambda _: act, handler)


def refused(refusal: Refusal) -> web.Response:
    """A refusal as HTTP tells it."""
    headers = {"Cache-Control": "no-store"}
    wait = refusal.facts.get("retry_ms")
    if isinstance(wait, int):
        headers["Retry-After"] = str(wait // 1000 + 1)
    status = HTTP_STATUS[refusal.code]
    return web.json_response({"error": refusal.as_wire()}, status=status, headers=headers)


def tell_headers(app: web.Application, *, behind_tls: bool) -> None:
    """Put the headers that never vary on every answer."""

    async def prepare(_: web.BaseRequest, response: web.StreamResponse) -> None:
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        if behind_tls:
            response.headers["Strict-Transport-Security"] = HSTS
        response.headers.pop("Server", None)

    app.on_response_prepare.append(prepare)


@web.middleware
async def plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """aiohttp's own errors in the one shape of all errors."""
    codes = {404: Code.NOT_FOUND, 405: Code.MALFORMED, 413: Code.TOO_LARGE}
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = codes.get(error.status, Code.MALFORMED)
        return web.json_response({"error": {"code": code.value}}, status=error.status)


def add_operations(
    app: web.Application, metrics: Metrics, is_ready: Callable[[], Awaitable[bool]]
) -> None:
    """``/healthz``: the process answers. ``/readyz``: it should get members. ``/metrics``: Prometheus."""

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        if await is_ready():
            return web.Response(text="ready\n")
        return web.Response(text="not ready\n", status=503)

    async def measured(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), content_type="text/plain", charset="utf-8")

    app.router.add_get("/healthz", healthy)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", measured)


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise Refusal(Code.MALFORMED, field="body") from error
