/** Options whose value is one of an enum, written short: `LONG` for `ACTIVATION_SIDE_LONG`. */
import type { DescEnum } from "@bufbuild/protobuf";
import { InvalidArgumentError, Option } from "commander";

/** What all names of an enum begin with. */
function prefixOf({ values }: DescEnum): string {
  return values[0]?.name.replace(/UNSPECIFIED$/, "") ?? "";
}

/** The short names, without the unspecified one. */
function shortNames(desc: DescEnum): string[] {
  return desc.values.slice(1).map(({ name }) => name.slice(prefixOf(desc).length));
}

export function choice(flags: string, description: string, desc: DescEnum): Option {
  const allowed = shortNames(desc);
  return new Option(flags, description).choices(allowed).argParser((text: string) => {
    const name = text.toUpperCase().replaceAll("-", "_");
    if (!allowed.includes(name)) throw new InvalidArgumentError(`Allowed choices are ${allowed.join(", ")}.`);
    return name;
  });
}

/** The full name of a short one; undefined for none. */
export function enumName(short: unknown, desc: DescEnum): string | undefined {
  return typeof short === "string" ? `${prefixOf(desc)}${short}` : undefined;
}
