#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""WebSocket over HTTP/2 in the clear (RFC 8441): ws_h2.py serve PORT (hypercorn) | call PORT WORD… (h2 and wsproto)"""
import asyncio
import socket
import sys


async def app(scope, receive, send):
    """Sends each message back."""
    if scope["type"] != "websocket":
        return
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"]})
        else:
            return


def serve(port):
    from hypercorn.asyncio import serve as run
    from hypercorn.config import Config
    config = Config()
    config.bind, config.errorlog = [f"127.0.0.1:{port}"], None
    asyncio.run(run(app, config))


def call(port, *words):
    import h2.config
    import h2.connection
    import h2.events
    import h2.settings
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import CloseConnection, TextMessage
    link = socket.create_connection(("127.0.0.1", int(port)))
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    http.initiate_connection()
    http.send_headers(1, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"),
                          (":authority", f"127.0.0.1:{port}"), ("sec-websocket-version", "13")])
    link.sendall(http.data_to_send())
    frames = Connection(ConnectionType.CLIENT)

    def read(until):
        while True:
            for event in http.receive_data(link.recv(65536)):
                if isinstance(event, h2.events.DataReceived):
                    frames.receive_data(event.data)
                if isinstance(event, h2.events.ResponseReceived) and until is None:
                    return
            link.sendall(http.data_to_send())
            for event in frames.events() if until else ():
                if isinstance(event, until):
                    print(getattr(event, "data", "closed"))
                    return

    read(None)
    for word in words:
        http.send_data(1, frames.send(TextMessage(data=word)))
        link.sendall(http.data_to_send())
        read(TextMessage)
    http.send_data(1, frames.send(CloseConnection(code=1000, reason="enough")), end_stream=False)
    link.sendall(http.data_to_send())
    read(CloseConnection)
    link.close()


{"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:])
