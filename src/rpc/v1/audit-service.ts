import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { listAudit } from "../../orchestration/read-runs/read-runs.ts";
import type { Store } from "../../ports/store.ts";
import { fromPageToken, pageSize, toPageToken } from "../pages.ts";

/** `worldservice.v1.AuditService`. */
export function auditServiceV1(store: Store): ServiceImpl<typeof AuditService> {
  return {
    async listAuditEntries(request) {
      const limit = pageSize(request.pageSize);
      const position = fromPageToken(request.pageToken, [0, 0]);
      const after = position === undefined ? {} : { after: { revision: position[0], index: position[1] } };
      const found = await listAudit(store, { worldId: request.worldId, limit: limit + 1, ...after });
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        entries: page
          .filter((entry) => request.runId === "" || entry.parsed.runId === request.runId)
          .map(({ revision, index, worldId, parsed }) => ({
            revision: BigInt(revision),
            index,
            worldId,
            time: timestampFromMs(parsed.timeMs),
            rpc: parsed.rpc,
            action: parsed.action,
            runId: parsed.runId,
            details: parsed.details,
          })),
        nextPageToken: toPageToken(found.length > limit && last ? [last.revision, last.index] : undefined),
      };
    },
  };
}
