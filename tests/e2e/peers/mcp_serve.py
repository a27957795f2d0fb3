#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Both ends of the Model Context Protocol over HTTP, of PyPI's mcp: mcp_serve.py serve PORT json|sse, mcp_serve.py call PORT"""
import asyncio
import sys


def serve(port, how):
    try:
        from mcp.server.mcpserver import MCPServer as Server
    except ImportError:
        from mcp.server.fastmcp import FastMCP as Server
    import uvicorn

    server = Server("tools")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    @server.tool()
    def fail() -> int:
        """Fails."""
        raise ValueError("as asked")

    try:
        app = server.streamable_http_app(json_response=how == "json")
    except TypeError:
        server.settings.json_response = how == "json"
        app = server.streamable_http_app()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", ws="none")


async def call(port):
    from mcp import ClientSession
    try:
        from mcp.client.streamable_http import streamable_http_client as connect
    except ImportError:
        from mcp.client.streamable_http import streamablehttp_client as connect

    async with connect(f"http://127.0.0.1:{port}/mcp") as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            await session.list_tools()
            print((await session.call_tool("add", {"a": 1, "b": 2})).content[0].text)
            await session.call_tool("fail", {})


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]), sys.argv[3])
else:
    asyncio.run(call(int(sys.argv[2])))
