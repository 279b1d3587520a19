import { type DescExtension, type DescFile, toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Finds descriptors by the names reflection clients ask for. */
export interface DescriptorIndex {
  /** Full names of all services, sorted. */
  readonly services: readonly string[];
  /** The file with this name, then all it imports, each as a serialized FileDescriptorProto. */
  byFileName(name: string): Uint8Array[] | undefined;
  /** The same for the file that declares a message, field, enum, extension, service or method. */
  bySymbol(name: string): Uint8Array[] | undefined;
  byExtension(containingType: string, extensionNumber: number): Uint8Array[] | undefined;
  /** Numbers of all known extensions of a message, undefined when there is no such message. */
  extensionNumbers(messageType: string): number[] | undefined;
}

/** @param roots the files of the served services; what they import is found through them. */
export function indexDescriptors(roots: Iterable<DescFile>): DescriptorIndex {
  const files = withImports(roots);
  const fileOf = new Map<string, DescFile>();
  const messages = new Set<string>();
  const services: string[] = [];
  const extensions: DescExtension[] = [];
  for (const file of files.values()) {
    for (const type of nestedTypes(file)) {
      fileOf.set(type.typeName, file);
      if (type.kind === "message") {
        messages.add(type.typeName);
        for (const field of type.fields) fileOf.set(`${type.typeName}.${field.name}`, file);
      } else if (type.kind === "service") {
        services.push(type.typeName);
        for (const method of type.methods) fileOf.set(`${type.typeName}.${method.name}`, file);
      } else if (type.kind === "extension") {
        extensions.push(type);
      }
    }
  }
  const extensionsOf = (type: string) =>
    extensions.filter((extension) => extension.extendee.typeName === type);
  return {
    services: services.sort(),
    byFileName: (name) => serialized(files.get(name)),
    bySymbol: (name) => serialized(fileOf.get(name)),
    byExtension: (type, number) => serialized(extensionsOf(type).find((e) => e.number === number)?.file),
    extensionNumbers: (type) =>
      messages.has(type) ? extensionsOf(type).map((extension) => extension.number) : undefined,
  };
}

/** The files and all they import, by name, each behind its own imports (there are no cycles among them). */
function withImports(files: Iterable<DescFile>, found = new Map<string, DescFile>()): Map<string, DescFile> {
  for (const file of files) {
    if (found.has(file.proto.name)) continue;
    withImports(file.dependencies, found);
    found.set(file.proto.name, file);
  }
  return found;
}

/** The file itself first, as clients expect; then its imports, each before what it imports in turn. */
function serialized(file: DescFile | undefined): Uint8Array[] | undefined {
  if (file === undefined) return undefined;
  const importsFirst = [...withImports([file]).values()];
  return importsFirst.reverse().map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
}
