/** The contract as the reference pages read it: descriptors with their comments, straight from proto/. */
import {
  createFileRegistry,
  type DescComments,
  type DescEnum,
  type DescEnumValue,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { getComments } from "@bufbuild/protoplugin";
import { tool } from "../checks/check.ts";

const OURS = "worldservice.";

/** Our own files, those of v1 first. */
export function contractFiles(): readonly DescFile[] {
  const { passed, stdout, output } = tool("buf", [
    "build",
    "proto",
    "--as-file-descriptor-set",
    "--output=-#format=binpb",
  ]);
  if (!passed) throw new Error(output);
  const files = [...createFileRegistry(fromBinary(FileDescriptorSetSchema, stdout)).files];
  return files.filter(isOurs).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isOurs({ proto }: DescFile): boolean {
  return proto.package.startsWith(OURS);
}

type Commented = DescMessage | DescEnum | DescEnumValue | DescField | DescMethod | DescService;

/** The comment above `described`, one string per paragraph or line of a list. */
export function comment(described: Commented): string {
  const { leading, trailing }: DescComments = getComments(described);
  return (leading ?? trailing ?? "").replaceAll(/^ /gm, "").trim();
}

/** The comment as one line. */
export function sentence(described: Commented): string {
  return comment(described).replaceAll(/\s+/g, " ");
}
