#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client of `websockets`, which says what came back: ws_client.py URL [deflate]"""
import asyncio
import ssl
import sys

import websockets


async def main(url, compression):
    context = None
    if url.startswith("wss:"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with websockets.connect(url, ssl=context, compression=compression) as socket:
        for message in ("hello", '{"password": "hunter2"}', b"\0\1\2", "x" * 3000, "hello"):
            await socket.send(message)
            print(repr(await socket.recv())[:20])
        await socket.send(["in ", "three ", "frames"])
        print(await socket.recv())
        await (await socket.ping(b"are you there"))
        await socket.send("close")
        await socket.wait_closed()
        print(socket.close_code)


asyncio.run(main(sys.argv[1], "deflate" if sys.argv[2:] else None))
