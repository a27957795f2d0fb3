# SPDX-License-Identifier: Apache-2.0
"""A gRPC server in the clear that answers, refuses and answers slowly, and its client: grpc_peer.py serve PORT | call PORT METHOD…"""
import sys
import time
from concurrent import futures

import grpc

CODES = {"Get": grpc.StatusCode.OK, "Missing": grpc.StatusCode.NOT_FOUND, "Broken": grpc.StatusCode.INTERNAL}


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        name = details.method.rsplit("/", 1)[1]

        def answer(request, context):
            if name == "Slow":
                time.sleep(0.3)
            if CODES.get(name, grpc.StatusCode.OK) is not grpc.StatusCode.OK:
                context.abort(CODES[name], "as asked")
            return request + b"!"
        return grpc.unary_unary_rpc_method_handler(answer)


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Handler()])
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def call(port, *methods):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for method in methods:
            try:
                print(method, channel.unary_unary(f"/shop.Cart/{method}")(b"x", timeout=20).decode())
            except grpc.RpcError as error:
                print(method, error.code().name)


{"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:])
