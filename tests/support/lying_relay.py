"""A relay that lies: it stands between a member and a real one, on real sockets, and changes what it likes.

async with LyingRelay(relay.origin) as liar:
    liar.answers["circle.sync"] = lambda request, answer: …     what the member hears instead
    liar.posts["/auth/token"] = lambda request, answer: …       the same of what is asked over HTTP
    liar.holds["circle.append"] = Together(2)                   what the member sends waits for this first
    liar.forwarded                                              what the member sent, by event
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Self

import aiohttp
import socketio
from aiohttp import web
from people import Person

from relais.client.home import Home
from relais.client.identity import Identity

Lie = Callable[[Any, Any], Any]
"""(request, the honest ``ok``) → what is told."""
WRITES = ("note.post", "circle.append", "circle.create", "circle.grant", "account.append")


class Together:
    """Lets the first few go at the same moment, and whatever comes after them at once."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._all_there = asyncio.Event()

    async def __call__(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self._all_there.set()
        async with asyncio.timeout(60):
            await self._all_there.wait()


class LyingRelay:
    """Honest until it is told to lie."""

    def __init__(self, origin: str) -> None:
        self.answers: dict[str, Lie] = {}
        self.posts: dict[str, Lie] = {}
        self.holds: dict[str, Callable[[], Awaitable[None]]] = {}
        self.blobs: Callable[[bytes], bytes] = lambda data: data
        self.forwarded: list[tuple[str, Any]] = []
        self._truth = origin
        self._server = socketio.AsyncServer(
            async_mode="aiohttp", serializer="msgpack", transports=["websocket"]
        )
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._server.on("*", self._event)
        self._upstream: dict[str, socketio.AsyncClient] = {}
        self._stack = AsyncExitStack()
        self._port = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def writes(self) -> list[str]:
        """What members tried to change."""
        return [event for event, _ in self.forwarded if event in WRITES]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        self._server.attach(app)
        app.router.add_route("*", "/{path:.*}", self._http)
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._port = runner.addresses[0][1]
        return self

    async def __aexit__(self, *raised: object) -> None:
        for client in list(self._upstream.values()):
            await client.shutdown()
        await self._server.shutdown()
        await self._stack.aclose()

    def catch(self, person: Person) -> Person:
        """From now on somebody talks to this relay, and believes it to be theirs."""
        home: Home = person.home
        replace(Identity.load(home), origin=self.origin).save(home)
        return person

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        client = socketio.AsyncClient(reconnection=False, serializer="msgpack")

        async def told(event: str, data: Any) -> None:
            await self._server.emit(event, data, to=sid)

        client.on("*", told)
        await client.connect(self._truth, auth=auth, transports=["websocket"], wait_timeout=30)
        self._upstream[sid] = client

    async def _disconnect(self, sid: str, *_: Any) -> None:
        client = self._upstream.pop(sid, None)
        if client is not None:
            await client.shutdown()

    async def _event(self, event: str, sid: str, request: Any) -> Any:
        self.forwarded.append((event, request))
        if event in self.holds:
            await self.holds[event]()
        try:
            answer = await self._upstream[sid].call(event, request, timeout=20)
        except (KeyError, socketio.exceptions.TimeoutError):
            if sid in self._upstream:
                raise
            return None  # whoever asked is gone: a page that was loaded anew
        lie = self.answers.get(event)
        if lie is None or "ok" not in answer:
            return answer
        return {"ok": lie(request, answer["ok"])}

    async def _http(self, request: web.Request) -> web.StreamResponse:
        """Everything else as it is, under the host the member asked for; attachments may be changed."""
        headers = {
            name: value
            for name, value in request.headers.items()
            if name in ("Host", "Authorization", "Upload-Offset", "Content-Type", "Range")
        }
        url, body = self._truth + str(request.rel_url), await request.read()
        asked = self._session.request(request.method, url, headers=headers, data=body)
        async with asyncio.timeout(30), asked as answer:
            data = await answer.read()
            if request.method == "GET" and request.path.startswith("/blobs/"):
                data = self.blobs(data)
            if request.path in self.posts and answer.status == 200:
                told = self.posts[request.path](json.loads(body), json.loads(data))
                data = json.dumps(told).encode()
            kept = {
                name: value
                for name, value in answer.headers.items()
                if name in ("Content-Type", "Upload-Offset")
            }
            return web.Response(status=answer.status, body=data, headers=kept)
