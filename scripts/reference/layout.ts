/** Which message stands on which page: those of a method beside it, those of the feed under events, all others apart. */
import type { DescEnum, DescFile, DescMessage, DescService } from "@bufbuild/protobuf";
import { anchor, type Places } from "./markdown.ts";

export interface Layout {
  readonly services: readonly DescService[];
  /** Messages and enums of the feed. */
  readonly events: readonly (DescMessage | DescEnum)[];
  /** Everything that is neither a request, nor a response, nor of the feed. */
  readonly others: readonly (DescMessage | DescEnum)[];
  readonly places: Places;
}

const OF_THE_FEED = /control_bus_service$/;

export function layOut(files: readonly DescFile[]): Layout {
  const services = files.flatMap((file) => file.services);
  const ofMethods = new Map(
    services.flatMap((service) =>
      service.methods.flatMap(({ input, output }) =>
        [input, output].map((message) => [message.typeName, service.typeName] as const),
      ),
    ),
  );
  const named = files.flatMap((file) => typesOf(file).filter(({ typeName }) => !ofMethods.has(typeName)));
  const isOfTheFeed = ({ file }: DescMessage | DescEnum) => OF_THE_FEED.test(file.name);
  const events = named.filter(isOfTheFeed);
  const others = named.filter((type) => !isOfTheFeed(type) && type.name !== "ErrorReason");
  const places = new Map([
    ...[...ofMethods].map(([type, service]) => [type, `rpc.md#${anchor(service)}`] as const),
    ...events.map(({ typeName }) => [typeName, `events.md#${anchor(typeName)}`] as const),
    ...others.map(({ typeName }) => [typeName, `messages.md#${anchor(typeName)}`] as const),
  ]);
  return { services, events, others, places };
}

function typesOf(file: DescFile): readonly (DescMessage | DescEnum)[] {
  return [...file.messages.flatMap(withNested), ...file.enums];
}

function withNested(message: DescMessage): readonly (DescMessage | DescEnum)[] {
  const nested = message.nestedMessages.filter(({ proto }) => proto.options?.mapEntry !== true);
  return [message, ...nested.flatMap(withNested), ...message.nestedEnums];
}
