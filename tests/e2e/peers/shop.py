#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A shop that speaks gRPC, with messages: shop.py serve PORT [CERT KEY] | call PORT [CERT] | schema FILE | web PORT

call: one of each kind of call. schema: the FileDescriptorSet. web: gRPC-Web's answers, by aiohttp.
"""
import base64
import sys
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto


def schema():
    found = descriptor_pb2.FileDescriptorSet()
    file = found.file.add(name="shop.proto", package="shop", syntax="proto3")
    item = file.message_type.add(name="Item")
    item.field.add(name="sku", number=1, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
    item.field.add(name="count", number=2, type=FIELD.TYPE_INT32, label=FIELD.LABEL_OPTIONAL)
    item.field.add(name="password", number=3, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
    shop = file.service.add(name="Shop")
    for name in ("Buy", "List", "Fill", "Talk", "Fail"):
        shop.method.add(name=name, input_type=".shop.Item", output_type=".shop.Item")
    return found


pool = descriptor_pool.DescriptorPool()
pool.Add(schema().file[0])
Item = message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("shop.Item"))
WAYS = {"serializer": Item.SerializeToString, "deserializer": Item.FromString}


def buy(request, context):
    return Item(sku=request.sku, count=request.count + 1)


def listing(request, context):
    for i in range(3):
        yield Item(sku=request.sku, count=i)


def fill(requests, context):
    return Item(count=sum(one.count for one in requests))


def talk(requests, context):
    for one in requests:
        yield one


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: 100% gone")


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        make = {"Buy": grpc.unary_unary_rpc_method_handler, "Fail": grpc.unary_unary_rpc_method_handler,
                "List": grpc.unary_stream_rpc_method_handler, "Fill": grpc.stream_unary_rpc_method_handler,
                "Talk": grpc.stream_stream_rpc_method_handler}
        name = details.method.rsplit("/", 1)[1]
        function = {"Buy": buy, "List": listing, "Fill": fill, "Talk": talk, "Fail": fail}[name]
        return make[name](function, Item.FromString, Item.SerializeToString)


def serve(port, *files):
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Handler()])
    if files:
        with open(files[0], "rb") as cert, open(files[1], "rb") as key:
            server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key.read(), cert.read())]))
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def call(port, *files):
    if files:
        with open(files[0], "rb") as cert:
            channel = grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(cert.read()))
    else:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    ways = (Item.SerializeToString, Item.FromString)
    with channel:
        print(channel.unary_unary("/shop.Shop/Buy", *ways)(Item(sku="tea", count=1, password="hunter2"), timeout=20).count)
        print(len(list(channel.unary_stream("/shop.Shop/List", *ways)(Item(sku="tea")))))
        print(channel.stream_unary("/shop.Shop/Fill", *ways)(iter([Item(count=2), Item(count=3)])).count)
        print(len(list(channel.stream_stream("/shop.Shop/Talk", *ways)(
            iter([Item(sku="x" * 200)] * 2), compression=grpc.Compression.Gzip))))
        try:
            channel.unary_unary("/shop.Shop/Fail", *ways)(Item(sku="tea"))
        except grpc.RpcError as error:
            print(error.code().name)


def web(port):
    from aiohttp import web as http

    async def answer(request):
        await request.read()
        message = Item(sku="tea", count=7).SerializeToString()
        trailers = b"grpc-status: 5\r\ngrpc-message: none%20left\r\n"
        parts = [b"\0" + len(message).to_bytes(4, "big") + message, b"\x80" + len(trailers).to_bytes(4, "big") + trailers]
        kind = request.content_type
        if kind.endswith("-text"):
            parts = [base64.b64encode(part) for part in parts]
        response = http.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    app = http.Application()
    app.router.add_post("/shop.Shop/Buy", answer)
    http.run_app(app, host="127.0.0.1", port=int(port), print=None)


def write(path):
    with open(path, "wb") as file:
        file.write(schema().SerializeToString())


{"serve": serve, "call": call, "schema": write, "web": web}[sys.argv[1]](*sys.argv[2:])
