import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Path } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { type FieldViolation, invalidFields } from "../../domain/errors.ts";

const validator = createValidator();

/** Refuses requests that break the rules written in the protos, before the handler sees them. */
export function validateRequests(): Interceptor {
  return (next) => async (request) => {
    const { input } = request.method;
    if (request.stream) return next({ ...request, message: validated(input, request.message) });
    validateRequest(input, request.message);
    return next(request);
  };
}

/**
 * Checks one message against the rules in its proto.
 *
 * @throws DomainError INVALID_FIELD with one violation per broken rule, `field` as `rebalance.positions[3].qty`.
 */
export function validateRequest<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): void {
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return;
  if (result.kind === "error") throw result.error; // a rule that cannot be run is our mistake, not the caller's
  throw invalidFields(
    result.violations.map(
      (violation): FieldViolation => ({
        field: fieldPath(violation.field),
        description: violation.message === "" ? violation.ruleId : violation.message,
      }),
    ),
  );
}

/** A path as callers write it: `world_alloc_after["w1"]`, `rebalance.positions[3].qty`. */
export function fieldPath(path: Path): string {
  return path.map(segment).join("").replace(/^\./, "");
}

function segment(element: Path[number]): string {
  switch (element.kind) {
    case "field":
    case "oneof":
      return `.${element.name}`;
    case "extension":
      return `.(${element.typeName})`;
    case "list_sub":
      return `[${element.index}]`;
    case "map_sub":
      return typeof element.key === "string" ? `[${JSON.stringify(element.key)}]` : `[${element.key}]`;
  }
}

async function* validated<T extends MessageShape<DescMessage>>(
  schema: DescMessage,
  messages: AsyncIterable<T>,
): AsyncGenerator<T> {
  for await (const message of messages) {
    validateRequest(schema, message);
    yield message;
  }
}
