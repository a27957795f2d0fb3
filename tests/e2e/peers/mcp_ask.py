#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client of PyPI's mcp that starts a server and asks it: mcp_ask.py legacy|auto COMMAND...

Each line of stdin is a tool and its arguments ({"tool": …, "arguments": …}), each line of stdout an answer; the first line of
stdout is what the server says of itself.
"""
import asyncio
import json
import sys

from mcp import Client, StdioServerParameters


async def main(mode, command, *words):
    server = StdioServerParameters(command=command, args=list(words))
    async with Client(server, mode=mode) as client:
        tools = (await client.list_tools()).tools
        print(json.dumps({"version": client.protocol_version, "instructions": client.instructions,
                          "tools": [tool.model_dump(by_alias=True, exclude_none=True) for tool in tools]}), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            asked = json.loads(line)
            answer = await client.call_tool(asked["tool"], asked.get("arguments", {}))
            print(json.dumps({"error": bool(answer.is_error), "data": answer.structured_content,
                              "text": answer.content[0].text}), flush=True)


asyncio.run(main(*sys.argv[1:]))
