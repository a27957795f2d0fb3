# SPDX-License-Identifier: Apache-2.0
"""Connections that are kept: kept.py httpx|aiohttp|threads PORT COUNT ROUNDS GATE asks /one?n=N.0 on COUNT connections at
once and says "ready"; once somebody wrote to the FIFO GATE it asks /one?n=N.K on each of them, ROUNDS times. "threads" has its
sockets under its TLS and says in the end which N had which port, and so does "calls", which calls /kept/N.K by gRPC and is
also given a certificate."""
import asyncio
import http.client
import ssl
import sys
from concurrent import futures


def wait(gate):
    print("ready", flush=True)
    open(gate, encoding="ascii").read()


async def in_rounds(ask, count, rounds, gate):
    for k in range(rounds + 1):
        await asyncio.gather(*(ask(f"/one?n={n}.{k}") for n in range(count)))
        if k == 0:
            wait(gate)


async def ask_httpx(port, *words):
    import httpx
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=None)
    async with httpx.AsyncClient(verify=False, limits=limits, timeout=30) as client:
        await in_rounds(lambda path: client.get(f"https://127.0.0.1:{port}{path}"), *words)


async def ask_aiohttp(port, *words):
    import aiohttp
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60)) as session:
        async def ask(path):
            async with session.get(f"https://127.0.0.1:{port}{path}", ssl=False) as answer:
                await answer.read()

        await in_rounds(ask, *words)


def ask_threads(port, count, rounds, gate):
    context = ssl._create_unverified_context()
    connections = [http.client.HTTPSConnection("127.0.0.1", port, context=context) for n in range(count)]

    def ask(n, k):
        connections[n].request("GET", f"/one?n={n}.{k}")
        connections[n].getresponse().read()

    with futures.ThreadPoolExecutor(count) as pool:
        for k in range(rounds + 1):
            list(pool.map(ask, range(count), [k] * count))
            if k == 0:
                wait(gate)
    for n, connection in enumerate(connections):
        print(n, connection.sock.getsockname()[1])


def ask_grpc(port, count, rounds, gate, certificate):
    import grpc
    trust = grpc.ssl_channel_credentials(open(certificate, "rb").read())
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.ssl_target_name_override", "localhost")]
    channels = [grpc.secure_channel(f"127.0.0.1:{port}", trust, options) for n in range(count)]
    ports = [set() for n in range(count)]
    for k in range(rounds + 1):
        calls = [channel.unary_unary(f"/kept/{n}.{k}").future(b"x", timeout=30) for n, channel in enumerate(channels)]
        for n, answer in enumerate(calls):
            ports[n].add(answer.result().decode().rsplit(":", 1)[1])
        if k == 0:
            wait(gate)
    for n, of_channel in enumerate(ports):
        print(n, *of_channel)


way, port, count, rounds, gate, *certificate = sys.argv[1:]
words = int(port), int(count), int(rounds), gate
if way in ("httpx", "aiohttp"):
    asyncio.run({"httpx": ask_httpx, "aiohttp": ask_aiohttp}[way](*words))
else:
    {"threads": ask_threads, "calls": ask_grpc}[way](*words, *certificate)
