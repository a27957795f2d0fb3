#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server whose bodies say something, of aiohttp: content_peer.py PORT [CERT KEY]

/events?count=N&coding=gzip: server-sent events in chunks.
/ws: a WebSocket that sends each message back; "close" ends it.
"""
import asyncio
import ssl
import sys

from aiohttp import WSMsgType, web


async def events(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Kind": "events"})
    if request.query.get("coding"):
        response.enable_compression(web.ContentCoding[request.query["coding"]])
    await response.prepare(request)
    for i in range(int(request.query.get("count", "3"))):
        await response.write(f"id: {i}\nevent: tick\ndata: {{\"n\": {i}, \"password\": \"hunter2\"}}\n\n".encode())
        await asyncio.sleep(0.02)
    await response.write_eof()
    return response


async def echo(request):
    socket = web.WebSocketResponse(compress=request.query.get("compress") != "no")
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT and message.data == "close":
            await socket.close(code=4001, message=b"as asked")
        elif message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


def main():
    port, files = int(sys.argv[1]), sys.argv[2:]
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    app = web.Application()
    app.router.add_get("/events", events)
    app.router.add_get("/ws", echo)
    web.run_app(app, host="127.0.0.1", port=port, ssl_context=context, print=None)


main()
