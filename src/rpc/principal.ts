import { type ContextKey, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { DomainError } from "../domain/errors.ts";
import type { Caller } from "../orchestration/activation/deps.ts";

/** Who is calling, as authentication found out. */
export interface Principal {
  readonly name: string;
}

/** Set by the authentication interceptor; undefined where none is configured. */
export const principalKey: ContextKey<Principal | undefined> = createContextKey<Principal | undefined>(
  undefined,
  { description: "authenticated principal" },
);

/** The caller as the audit log names it. */
export function callerOf(context: HandlerContext): Caller {
  return {
    rpc: `${context.service.typeName}/${context.method.name}`,
    principal: context.values.get(principalKey)?.name,
  };
}

/**
 * A name that the caller gives itself must be its own. Without authentication there is nothing to compare it with.
 *
 * @throws DomainError PERMISSION_DENIED.
 */
export function assertIsCaller(name: string, field: string, context: HandlerContext): void {
  const principal = context.values.get(principalKey);
  if (principal === undefined || principal.name === name) return;
  throw new DomainError("PERMISSION_DENIED", `${field} must be the authenticated name`, {
    metadata: { field },
  });
}
