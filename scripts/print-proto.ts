import type { DescEnum, DescExtension, DescField, DescFile, DescMessage, Registry } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { printOptions } from "./print-proto-options.ts";

/**
 * The .proto source of one proto2 file, rebuilt from its descriptor. Comments and layout are lost, nothing else:
 * compiled again it gives the same descriptor. It knows what `buf/validate/validate.proto` uses (messages, enums,
 * oneofs, extensions, options of every kind) and throws on what that file does not: services, maps and groups.
 *
 * @param registry holds the messages and extensions that occur in the file's options.
 */
export function printProto(file: DescFile, registry: Registry): string {
  if (file.proto.syntax !== "proto2" && file.proto.syntax !== "") throw unsupported(file.proto.syntax);
  if (file.services.length > 0) throw unsupported("services");
  const lines = [
    'syntax = "proto2";',
    `package ${file.proto.package};`,
    ...file.proto.dependency.map((name) => `import "${name}";`),
    ...printOptions(file.proto.options, registry).map((option) => `option ${option};`),
    ...file.enums.flatMap((e) => printEnum(e, registry)),
    ...file.messages.flatMap((m) => printMessage(m, registry)),
    ...file.extensions.flatMap((x) => printExtension(x, registry)),
  ];
  return `${lines.join("\n")}\n`;
}

function printEnum(desc: DescEnum, registry: Registry): string[] {
  return block(`enum ${desc.name}`, [
    ...printOptions(desc.proto.options, registry).map((option) => `option ${option};`),
    ...desc.values.map((v) => `${v.name} = ${v.number}${brackets(printOptions(v.proto.options, registry))};`),
    // An enum's reserved ranges end with their last number, a message's one past it.
    ...desc.proto.reservedRange.map((r) => `reserved ${range(r.start, r.end, 2147483647)};`),
    ...desc.proto.reservedName.map((name) => `reserved "${name}";`),
  ]);
}

function printMessage(desc: DescMessage, registry: Registry): string[] {
  return block(`message ${desc.name}`, [
    ...printOptions(desc.proto.options, registry).map((option) => `option ${option};`),
    ...desc.nestedEnums.flatMap((e) => printEnum(e, registry)),
    ...desc.nestedMessages.flatMap((m) => printMessage(m, registry)),
    ...desc.members.flatMap((member) =>
      member.kind === "field"
        ? [`${label(member)} ${printField(member, registry)}`]
        : block(`oneof ${member.name}`, [
            ...printOptions(member.proto.options, registry).map((option) => `option ${option};`),
            ...member.fields.map((field) => printField(field, registry)),
          ]),
    ),
    ...desc.proto.reservedRange.map((r) => `reserved ${range(r.start, r.end - 1, 536870911)};`),
    ...desc.proto.reservedName.map((name) => `reserved "${name}";`),
    ...desc.proto.extensionRange.map((r) => `extensions ${range(r.start, r.end - 1, 536870911)};`),
    ...desc.nestedExtensions.flatMap((x) => printExtension(x, registry)),
  ]);
}

function printExtension(desc: DescExtension, registry: Registry): string[] {
  return block(`extend .${desc.extendee.typeName}`, [`${label(desc)} ${printField(desc, registry)}`]);
}

/** A field without its label: oneof members have none. */
function printField(field: DescField | DescExtension, registry: Registry): string {
  const { defaultValue } = field.proto;
  if (defaultValue !== "") throw unsupported(`default value of ${field.name}`);
  const options = brackets(printOptions(field.proto.options, registry));
  return `${typeName(field)} ${field.name} = ${field.number}${options};`;
}

function typeName(field: DescField | DescExtension): string {
  if (field.message !== undefined) return `.${field.message.typeName}`;
  if (field.enum !== undefined) return `.${field.enum.typeName}`;
  if (field.fieldKind === "map" || field.scalar === undefined) throw unsupported(`map ${field.name}`);
  const name = Object.entries(ScalarType).find(([, value]) => value === field.scalar)?.[0];
  if (name === undefined) throw unsupported(`scalar type ${field.scalar}`);
  return name.toLowerCase();
}

function label(field: DescField | DescExtension): string {
  if (field.fieldKind === "list") return "repeated";
  const required = 2; // FieldDescriptorProto.Label.LABEL_REQUIRED
  return field.proto.label === required ? "required" : "optional";
}

function range(start: number, end: number, max: number): string {
  if (start === end) return String(start);
  return `${start} to ${end >= max ? "max" : end}`;
}

function brackets(options: readonly string[]): string {
  return options.length === 0 ? "" : ` [${options.join(", ")}]`;
}

function block(head: string, body: readonly string[]): string[] {
  return [`${head} {`, ...body.map((line) => `  ${line}`), "}"];
}

function unsupported(what: string): Error {
  return new Error(`print-proto does not know how to print ${what}`);
}
