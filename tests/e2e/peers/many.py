# SPDX-License-Identifier: Apache-2.0
"""Many connections at once: many.py CLIENT PORT COUNT asks /one?n=N on a connection of its own each and says N with
that connection's port; CLIENT is httpx, aiohttp (which cannot tell it) or threads. Or a server: many.py uvicorn|hypercorn|
grpc PORT CERT KEY. The client of the last one, which calls /many/N: many.py calls PORT COUNT CERT."""
import asyncio
import http.client
import ssl
import sys
import threading
from concurrent import futures


async def ask_httpx(port, count):
    import httpx
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)

    async def ask(client, n):
        async with client.stream("GET", f"https://127.0.0.1:{port}/one?n={n}") as answer:
            print(n, answer.extensions["network_stream"].get_extra_info("client_addr")[1])
            await answer.aread()

    async with httpx.AsyncClient(verify=False, limits=limits, timeout=30) as client:
        await asyncio.gather(*(ask(client, n) for n in range(count)))


async def ask_aiohttp(port, count):
    import aiohttp

    async def ask(session, n):
        async with session.get(f"https://127.0.0.1:{port}/one?n={n}", ssl=False) as answer:
            await answer.read()
            print(n, "?")

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as session:
        await asyncio.gather(*(ask(session, n) for n in range(count)))


def ask_threads(port, count):
    """Each connection is there before the first request is made."""
    context, lines = ssl._create_unverified_context(), [None] * count
    ready = threading.Barrier(count)

    def ask(n):
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
        connection.connect()
        ready.wait()
        own = connection.sock.getsockname()[1]
        connection.request("GET", f"/one?n={n}")
        connection.getresponse().read()
        lines[n] = f"{n} {own}"

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("\n".join(map(str, lines)))


def serve_grpc(port, certificate, key):
    import grpc

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: context.peer().encode())

    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Handler()])
    pair = open(key, "rb").read(), open(certificate, "rb").read()
    server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([pair]))
    server.start()
    server.wait_for_termination()


def ask_grpc(port, count, certificate):
    import grpc
    trust = grpc.ssl_channel_credentials(open(certificate, "rb").read())
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.ssl_target_name_override", "localhost")]
    channels = [grpc.secure_channel(f"127.0.0.1:{port}", trust, options) for n in range(count)]
    calls = [channel.unary_unary(f"/many/{n}").future(b"x", timeout=30) for n, channel in enumerate(channels)]
    for n, answer in enumerate(calls):
        print(n, answer.result().decode().rsplit(":", 1)[1])


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    while (await receive()).get("more_body"):  # hypercorn closes what was not read to its end
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
    await send({"type": "http.response.body", "body": b"1"})


def serve_uvicorn(port, certificate, key):
    import uvicorn
    uvicorn.run(app, host="127.0.0.1", port=port, ssl_certfile=certificate, ssl_keyfile=key, log_level="warning",
                timeout_keep_alive=60)


def serve_hypercorn(port, certificate, key):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    config = Config()
    config.bind, config.certfile, config.keyfile = [f"127.0.0.1:{port}"], certificate, key
    config.keep_alive_timeout = 60
    asyncio.run(serve(app, config))


way, port, *words = sys.argv[1:]
if way in ("httpx", "aiohttp"):
    asyncio.run({"httpx": ask_httpx, "aiohttp": ask_aiohttp}[way](int(port), int(words[0])))
elif way == "threads":
    ask_threads(int(port), int(words[0]))
elif way == "calls":
    ask_grpc(int(port), int(words[0]), words[1])
else:
    {"uvicorn": serve_uvicorn, "hypercorn": serve_hypercorn, "grpc": serve_grpc}[way](int(port), *words)
