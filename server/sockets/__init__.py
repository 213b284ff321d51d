"""Socket.IO 5 over WebSocket only, msgpack, namespace ``/``.

    member                                  server
    ------                                  ------
    GET /socket.io/?EIO=4&transport=websocket
    CONNECT {token}                      →
                                         ←  CONNECT {sid}, or CONNECT_ERROR {message: code, data: {code, …facts}}
    EVENT [name, request] with an id     →
                                         ←  ACK [{ok: answer}] or ACK [{error: {code, …facts}}]: always one of them
                                         ←  EVENT [name, fact] after the fact is stored: a nudge, nothing more
    EVENT ["auth.challenge", {device}]   →
                                         ←  ACK [{ok: {challenge, expires_at}}]
    EVENT ["auth.renew", {login}]        →  the socket lives until the new token's end
                                         ←  DISCONNECT when the token ends or the device is revoked

Requests of one socket are answered in the order they came. Names, requests and answers: ``models/wire``.
"""
