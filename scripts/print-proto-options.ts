import type { DescExtension, DescField, Message, Registry } from "@bufbuild/protobuf";
import { getExtension, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/**
 * The options of one descriptor as `name = value` texts, custom options included: those stand as unknown fields in
 * the options message and find their meaning through the registry.
 */
export function printOptions(options: Message | undefined, registry: Registry): string[] {
  if (options === undefined) return [];
  const schema = registry.getMessage(options.$typeName);
  if (schema === undefined) throw new Error(`${options.$typeName} is not in the registry`);
  const reflected = reflect(schema, options);
  return [
    ...setFields(reflected).flatMap((field) =>
      values(reflected, field, registry).map((text) => `${field.name} = ${text}`),
    ),
    ...extensionsOf(reflected, registry).map(
      (extension) => `(.${extension.typeName}) = ${extensionText(reflected.message, extension, registry)}`,
    ),
  ];
}

function setFields(message: ReflectMessage): DescField[] {
  return message.fields.filter((field) => message.isSet(field) && field.name !== "uninterpreted_option");
}

/** One text per element of a list, one for everything else. */
function values(message: ReflectMessage, field: DescField, registry: Registry): string[] {
  if (field.fieldKind === "map") throw new Error(`print-proto does not know map options: ${field.name}`);
  if (field.fieldKind !== "list") return [valueText(field, message.get(field), registry)];
  return [...message.get(field)].map((item) => valueText(field, item, registry));
}

function valueText(field: DescField | DescExtension, value: unknown, registry: Registry): string {
  if (field.message !== undefined) return messageText(value as ReflectMessage, registry);
  if (field.enum !== undefined) return field.enum.value[value as number]?.name ?? String(value);
  if (field.scalar === ScalarType.BYTES)
    throw new Error(`print-proto does not know bytes options: ${field.name}`);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** A message in the text format, as `{ name: value … }`. */
function messageText(message: ReflectMessage, registry: Registry): string {
  const fields = setFields(message).flatMap((field) =>
    values(message, field, registry).map((text) => `${field.name}: ${text}`),
  );
  const extensions = extensionsOf(message, registry).map(
    (extension) => `[${extension.typeName}]: ${extensionText(message.message, extension, registry)}`,
  );
  return `{ ${[...fields, ...extensions].join(" ")} }`;
}

function extensionsOf(message: ReflectMessage, registry: Registry): DescExtension[] {
  const numbers = new Set((message.getUnknown() ?? []).map((field) => field.no));
  return [...numbers].map((number) => {
    const extension = registry.getExtensionFor(message.desc, number);
    if (extension === undefined)
      throw new Error(`option ${number} of ${message.desc.typeName} is not in the registry`);
    return extension;
  });
}

function extensionText(message: Message, extension: DescExtension, registry: Registry): string {
  if (extension.fieldKind === "list") {
    throw new Error(`print-proto does not know repeated custom options: ${extension.typeName}`);
  }
  const value: unknown = getExtension(message, extension);
  return extension.message === undefined
    ? valueText(extension, value, registry)
    : messageText(reflect(extension.message, value as Message), registry);
}
