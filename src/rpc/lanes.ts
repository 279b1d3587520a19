import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";

const { typeName, method } = ActivationService;

/**
 * Calls that have a lane of their own: admission control lets them pass however loaded the server is, since they only
 * make the book safer. A caller's own rate limit still holds for them.
 */
export const RESERVED_LANE: ReadonlySet<string> = new Set(
  [method.freezeWorld, method.acknowledgeActivation].map(({ name }) => `${typeName}/${name}`),
);
