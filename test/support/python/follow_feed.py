"""Follows the feed with grpcio and code generated from the protos: one JSON line a message, until `count` batches came.

usage: follow_feed.py <generated code> <host:port> <v1|v2> <cursor or ""> <count>
"""
import importlib
import json
import sys

generated, target, version, cursor, count = sys.argv[1:6]
sys.path.insert(0, generated)

import grpc  # noqa: E402

messages = importlib.import_module(f"worldservice.{version}.control_bus_service_pb2")
services = importlib.import_module(f"worldservice.{version}.control_bus_service_pb2_grpc")


def line(**fields):
    print(json.dumps(fields), flush=True)


def follow(stub):
    request = messages.SubscribeRequest(after_cursor=cursor)
    if not cursor:
        request.start = messages.START_POSITION_EARLIEST
    batches = 0
    call = stub.Subscribe(request, timeout=20)
    for response in call:
        kind = response.WhichOneof("message")
        if kind == "batch":
            batch = response.batch
            events = [[event.world_id, event.world_sequence, event.WhichOneof("payload")] for event in batch.events]
            line(kind=kind, cursor=batch.cursor, revision=batch.revision, events=events)
            batches += 1
            if batches == int(count):
                call.cancel()
                return
        else:
            line(kind=kind)


with grpc.insecure_channel(target) as channel:
    try:
        follow(services.ControlBusServiceStub(channel))
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.CANCELLED:
            line(kind="error", code=error.code().name, message=error.details())
