import com.worldservice.v1.CapabilityServiceGrpc;
import com.worldservice.v1.GetCapabilitiesRequest;
import com.worldservice.v2.AllocationServiceGrpc;
import com.worldservice.v2.ControlBusServiceGrpc;
import com.worldservice.v2.Event;
import com.worldservice.v2.PlanRebalanceRequest;
import com.worldservice.v2.Position;
import com.worldservice.v2.RebalanceRequest;
import com.worldservice.v2.RebalanceServiceGrpc;
import com.worldservice.v2.SubscribeRequest;
import com.worldservice.v2.SubscribeResponse;
import com.worldservice.v2.SymbolDelta;
import com.worldservice.v2.UpsertAllocationsRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Plans a rebalance, moves capital, and sees it in the feed.
 *
 * <pre>
 * npm run gen:sdk -- --lang java
 * mvn -q -f examples/clients/java/pom.xml compile exec:java -Dexec.args=127.0.0.1:50051
 * </pre>
 */
public final class Client {
  private static final long DEADLINE_S = 10;

  private static final Position POSITION =
      Position.newBuilder()
          .setWorldId("alpha")
          .setStrategyId("trend")
          .setSymbol("XLK")
          .setQty(1000)
          .setMark(280.15)
          .build();

  /** Writes nothing: ask as often as you like. */
  private static void plan(ManagedChannel channel) {
    var request =
        RebalanceRequest.newBuilder()
            .setTotalEquity(1_000_000)
            .putWorldAllocBefore("alpha", 0.5)
            .putWorldAllocAfter("alpha", 0.4)
            .addPositions(POSITION)
            .putLotSizeBySymbol("XLK", 1);
    var answer =
        RebalanceServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(DEADLINE_S, TimeUnit.SECONDS)
            .planRebalance(PlanRebalanceRequest.newBuilder().setRebalance(request).build());
    for (SymbolDelta delta : answer.getPlan().getPerWorldOrThrow("alpha").getDeltasList()) {
      System.out.printf(Locale.ROOT, "plan: alpha %s %+.0f%n", delta.getSymbol(), delta.getDeltaQty());
    }
  }

  /** Happens once per run id, however often it is sent. */
  private static boolean upsert(ManagedChannel channel, String runId) {
    var request =
        UpsertAllocationsRequest.newBuilder()
            .setRunId(runId)
            .setTotalEquity(1_000_000)
            .putWorldAllocations("alpha", 0.4)
            .addPositions(POSITION);
    return AllocationServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(DEADLINE_S, TimeUnit.SECONDS)
        .upsertAllocations(request.build())
        .getReplayed();
  }

  /** Reads until the event of the run has come. Keep the batch's cursor to go on from it after a break. */
  private static void follow(Iterator<SubscribeResponse> feed, String runId) {
    while (feed.hasNext()) {
      for (Event event : feed.next().getBatch().getEventsList()) {
        var updated = event.getAllocationUpdated().getAllocation();
        if (updated.getRunId().equals(runId)) {
          System.out.println("event: " + event.getWorldId() + " now has " + updated.getAllocation() + " of the book");
          return;
        }
      }
    }
  }

  public static void main(String[] args) throws InterruptedException {
    String address = args.length > 0 ? args[0] : "127.0.0.1:50051";
    String runId = args.length > 1 ? args[1] : "java-" + System.nanoTime();
    ManagedChannel channel = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build();
    try {
      var capabilities =
          CapabilityServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(DEADLINE_S, TimeUnit.SECONDS)
              .getCapabilities(GetCapabilitiesRequest.getDefaultInstance());
      System.out.println("capabilities: schema version " + capabilities.getRebalanceSchemaVersion());
      plan(channel);

      Iterator<SubscribeResponse> feed =
          ControlBusServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(3 * DEADLINE_S, TimeUnit.SECONDS)
              .subscribe(SubscribeRequest.getDefaultInstance());
      System.out.println("feed: " + feed.next().getTopic().getTopic());
      System.out.println("upsert: replayed " + upsert(channel, runId));
      System.out.println("upsert again: replayed " + upsert(channel, runId));
      follow(feed, runId);
    } finally {
      channel.shutdownNow().awaitTermination(DEADLINE_S, TimeUnit.SECONDS);
    }
  }
}
