#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server that talks as models' APIs do, with fixed words: model_serve.py PORT [CERT KEY]"""
import http.server
import json
import ssl
import sys
import time


def chat(asked):
    common = {"id": "chat-1", "created": 1, "model": asked["model"] + "-2026"}
    usage = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 8},
             "completion_tokens_details": {"reasoning_tokens": 2}}
    if asked["model"] == "none":
        return 404, {"error": {"message": "no such model", "type": "invalid_request_error", "param": None, "code": "model_not_found"}}
    call = {"id": "call-1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    if not asked.get("stream"):
        message = {"role": "assistant", "content": "Hello there.", "tool_calls": [call]}
        return 200, {**common, "object": "chat.completion", "usage": usage,
                     "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    deltas = [{"role": "assistant", "content": ""}, {"content": "Hello "}, {"content": "there."}]
    chunks = [{**common, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
              for delta in deltas]
    chunks.append({**common, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({**common, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    return 200, [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]


def messages(asked):
    usage = {"input_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 100, "output_tokens": 1}
    message = {"id": "msg-1", "type": "message", "role": "assistant", "model": asked["model"] + "-2026", "content": [],
               "stop_reason": None, "stop_sequence": None, "usage": usage}
    if not asked.get("stream"):
        return 200, {**message, "content": [{"type": "text", "text": "Hello there."},
                                            {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}],
                     "stop_reason": "tool_use", "usage": {**usage, "output_tokens": 9}}
    events = [{"type": "message_start", "message": message},
              {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, {"type": "ping"},
              {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello "}},
              {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "there."}},
              {"type": "content_block_stop", "index": 0},
              {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 9}},
              {"type": "message_stop"}]
    return 200, [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events]


def responses(asked):
    """Of a long answer the last event, which alone has the tokens, says all of it again."""
    words = "Hello there. " * 20_000
    answer = {"id": "resp-1", "object": "response", "created_at": 1, "status": "in_progress", "model": asked["model"] + "-2026",
              "output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    message = {"id": "msg-1", "type": "message", "role": "assistant", "status": "completed",
               "content": [{"type": "output_text", "text": words, "annotations": []}]}
    usage = {"input_tokens": 7, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 60_000,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 60_007}
    events = [{"type": "response.created", "response": answer}]
    events += [{"type": "response.output_text.delta", "item_id": "msg-1", "output_index": 0, "content_index": 0, "delta": part}
               for part in (words[:100_000], words[100_000:])]
    events.append({"type": "response.completed", "response": {**answer, "status": "completed", "output": [message], "usage": usage}})
    return 200, [f"event: {one['type']}\ndata: {json.dumps({**one, 'sequence_number': at})}\n\n" for at, one in enumerate(events)]


def ollama(asked):
    lines = [{"model": asked["model"], "created_at": "x", "message": {"role": "assistant", "content": word}, "done": False}
             for word in ("Hello ", "there.")]
    lines.append({"model": asked["model"], "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
                  "prompt_eval_count": 26, "eval_count": 3})
    return 200, [json.dumps(line) + "\n" for line in lines]


def graphql(asked):
    wrong = "errors" in asked["query"]
    return 200, {"data": None, "errors": [{"message": "no"}, {"message": "never"}]} if wrong else {"data": {"me": 1}}


def rpc(asked):
    if asked["method"] == "fail":
        return 200, {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "Method not found"}}
    return 200, {"jsonrpc": "2.0", "id": asked["id"], "result": 1}


PATHS = {"/v1/chat/completions": chat, "/v1/responses": responses, "/v1/messages": messages, "/api/chat": ollama, "/graphql": graphql, "/rpc": rpc}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer = PATHS[self.path.split("?")[0]](asked)
        self.send_response(status)
        if isinstance(answer, list):
            self.send_header("Content-Type", "application/x-ndjson" if self.path == "/api/chat" else "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in answer:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part.encode()))
                self.wfile.flush()
                time.sleep(0 if part is answer[-1] else 0.02)
            self.wfile.write(b"0\r\n\r\n")
            return
        body = json.dumps(answer).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    if sys.argv[2:]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[2:4])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


main()
