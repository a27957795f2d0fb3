#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server whose bodies say something, of aiohttp: content_peer.py PORT [CERT KEY]

/events?count=N&coding=gzip: server-sent events in chunks, the next one when the client has got the last.
"""
import asyncio
import ssl
import sys

from aiohttp import web


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


def main():
    port, files = int(sys.argv[1]), sys.argv[2:]
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    app = web.Application()
    app.router.add_get("/events", events)
    web.run_app(app, host="127.0.0.1", port=port, ssl_context=context, print=None)


main()
