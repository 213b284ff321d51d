"""The floor: python-socketio alone, the same fan-out, nothing checked, nothing stored.

``python -m bench.floor`` prints its port and serves. Rooms are named in the token.
"""

import asyncio
from typing import Any

import socketio
import uvloop
from aiohttp import web


def application() -> web.Application:
    server = socketio.AsyncServer(
        async_mode="aiohttp", async_handlers=False, serializer="msgpack", transports=["websocket"]
    )
    rooms: dict[str, str] = {}

    @server.on("connect")  # type: ignore[untyped-decorator]
    async def connect(sid: str, environ: Any, auth: dict[str, str]) -> None:
        rooms[sid] = auth["token"]
        await server.enter_room(sid, auth["token"])

    @server.on("note.post")  # type: ignore[untyped-decorator]
    async def post(sid: str, note: dict[str, Any]) -> dict[str, Any]:
        event = {"circle": rooms[sid], "seq": 1, "at": 1, "envelope": note["envelope"]}
        await server.emit("note.posted", event, room=rooms[sid])
        return {"ok": {"seq": 1, "at": 1}}

    app = web.Application()
    server.attach(app)
    return app


async def serve() -> None:
    runner = web.AppRunner(application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
