"""Plans a rebalance, moves capital, and sees it in the feed.

    npm run gen:sdk -- --lang python
    PYTHONPATH=gen-sdk/python python3 examples/clients/python/client.py 127.0.0.1:50051
"""

import sys
import time

import grpc
from worldservice.v1 import capability_service_pb2, capability_service_pb2_grpc
from worldservice.v2 import (
    allocation_service_pb2,
    allocation_service_pb2_grpc,
    control_bus_service_pb2,
    control_bus_service_pb2_grpc,
    rebalance_service_pb2,
    rebalance_service_pb2_grpc,
)

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"
RUN_ID = sys.argv[2] if len(sys.argv) > 2 else f"python-{time.time_ns()}"
DEADLINE_S = 10
# Deadlines longer than the setting max_deadline are refused, those of streams too.
STREAM_S = 30

POSITIONS = [
    rebalance_service_pb2.Position(
        world_id="alpha", strategy_id="trend", symbol="XLK", qty=1000, mark=280.15
    ),
]


def plan(channel: grpc.Channel) -> None:
    """Writes nothing: ask as often as you like."""
    request = rebalance_service_pb2.RebalanceRequest(
        total_equity=1_000_000,
        world_alloc_before={"alpha": 0.5},
        world_alloc_after={"alpha": 0.4},
        positions=POSITIONS,
        lot_size_by_symbol={"XLK": 1},
    )
    stub = rebalance_service_pb2_grpc.RebalanceServiceStub(channel)
    answer = stub.PlanRebalance(
        rebalance_service_pb2.PlanRebalanceRequest(rebalance=request), timeout=DEADLINE_S
    )
    for delta in answer.plan.per_world["alpha"].deltas:
        print(f"plan: alpha {delta.symbol} {delta.delta_qty:+g}")


def upsert(channel: grpc.Channel) -> bool:
    """The same call with the same run id happens once, however often it is sent."""
    stub = allocation_service_pb2_grpc.AllocationServiceStub(channel)
    answer = stub.UpsertAllocations(
        allocation_service_pb2.UpsertAllocationsRequest(
            run_id=RUN_ID,
            total_equity=1_000_000,
            world_allocations={"alpha": 0.4},
            positions=POSITIONS,
        ),
        timeout=DEADLINE_S,
    )
    return answer.replayed


def main() -> None:
    with grpc.insecure_channel(ADDRESS) as channel:
        capabilities = capability_service_pb2_grpc.CapabilityServiceStub(channel).GetCapabilities(
            capability_service_pb2.GetCapabilitiesRequest(), timeout=DEADLINE_S
        )
        print(f"capabilities: schema version {capabilities.rebalance_schema_version}")
        plan(channel)

        feed = control_bus_service_pb2_grpc.ControlBusServiceStub(channel).Subscribe(
            control_bus_service_pb2.SubscribeRequest(), timeout=STREAM_S
        )
        topic = next(feed).topic
        print(f"feed: {topic.topic}")
        print(f"upsert: replayed {str(upsert(channel)).lower()}")
        print(f"upsert again: replayed {str(upsert(channel)).lower()}")

        for message in feed:
            # Keep `cursor` to go on from here after a break: SubscribeRequest(after_cursor=cursor).
            for event in message.batch.events:
                updated = event.allocation_updated.allocation
                if updated.run_id == RUN_ID:
                    print(f"event: {event.world_id} now has {updated.allocation:g} of the book")
                    feed.cancel()
                    return


if __name__ == "__main__":
    main()
