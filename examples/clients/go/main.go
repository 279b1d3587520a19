// Plans a rebalance, moves capital, and sees it in the feed.
//
//	npm run gen:sdk -- --lang go
//	cd examples/clients/go && go run . 127.0.0.1:50051
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	v1 "worldservice.local/sdk/worldservice/v1"
	v2 "worldservice.local/sdk/worldservice/v2"
)

func positions() []*v2.Position {
	return []*v2.Position{
		{WorldId: "alpha", StrategyId: "trend", Symbol: "XLK", Qty: 1000, Mark: 280.15},
	}
}

// plan writes nothing: ask as often as you like.
func plan(ctx context.Context, conn *grpc.ClientConn) error {
	answer, err := v2.NewRebalanceServiceClient(conn).PlanRebalance(ctx, &v2.PlanRebalanceRequest{
		Rebalance: &v2.RebalanceRequest{
			TotalEquity:      1_000_000,
			WorldAllocBefore: map[string]float64{"alpha": 0.5},
			WorldAllocAfter:  map[string]float64{"alpha": 0.4},
			Positions:        positions(),
			LotSizeBySymbol:  map[string]float64{"XLK": 1},
		},
	})
	if err != nil {
		return err
	}
	for _, delta := range answer.GetPlan().GetPerWorld()["alpha"].GetDeltas() {
		fmt.Printf("plan: alpha %s %+g\n", delta.GetSymbol(), delta.GetDeltaQty())
	}
	return nil
}

// upsert happens once per run id, however often it is sent.
func upsert(ctx context.Context, conn *grpc.ClientConn, runID string) (bool, error) {
	answer, err := v2.NewAllocationServiceClient(conn).UpsertAllocations(ctx, &v2.UpsertAllocationsRequest{
		RunId:            runID,
		TotalEquity:      1_000_000,
		WorldAllocations: map[string]float64{"alpha": 0.4},
		Positions:        positions(),
	})
	return answer.GetReplayed(), err
}

// follow reads until the event of the run has come. Keep the batch's cursor to go on from it after a break.
func follow(feed grpc.ServerStreamingClient[v2.SubscribeResponse], runID string) error {
	for {
		message, err := feed.Recv()
		if err != nil {
			return err
		}
		for _, event := range message.GetBatch().GetEvents() {
			updated := event.GetAllocationUpdated().GetAllocation()
			if updated.GetRunId() == runID {
				fmt.Printf("event: %s now has %g of the book\n", event.GetWorldId(), updated.GetAllocation())
				return nil
			}
		}
	}
}

func run(address, runID string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	capabilities, err := v1.NewCapabilityServiceClient(conn).GetCapabilities(ctx, &v1.GetCapabilitiesRequest{})
	if err != nil {
		return err
	}
	fmt.Printf("capabilities: schema version %d\n", capabilities.GetRebalanceSchemaVersion())
	if err := plan(ctx, conn); err != nil {
		return err
	}

	feed, err := v2.NewControlBusServiceClient(conn).Subscribe(ctx, &v2.SubscribeRequest{})
	if err != nil {
		return err
	}
	first, err := feed.Recv()
	if err != nil {
		return err
	}
	fmt.Printf("feed: %s\n", first.GetTopic().GetTopic())
	for _, label := range []string{"upsert", "upsert again"} {
		replayed, err := upsert(ctx, conn, runID)
		if err != nil {
			return err
		}
		fmt.Printf("%s: replayed %t\n", label, replayed)
	}
	return follow(feed, runID)
}

func main() {
	address, runID := "127.0.0.1:50051", fmt.Sprintf("go-%d", time.Now().UnixNano())
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if len(os.Args) > 2 {
		runID = os.Args[2]
	}
	if err := run(address, runID); err != nil {
		log.Fatal(err)
	}
}
