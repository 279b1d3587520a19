/** Parts of reference pages: types with links to where they are described, tables of fields and values. */
import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import GithubSlugger from "github-slugger";
import { markdownTable } from "../generated-block.ts";
import { sentence } from "./contract.ts";

/** Titles of the generated tables, in the language of the page. */
export interface Words {
  readonly field: string;
  readonly type: string;
  readonly meaning: string;
  readonly value: string;
  readonly code: string;
  readonly reasons: string;
  readonly whatToDo: string;
  readonly request: string;
  readonly response: string;
  readonly noFields: string;
  readonly metadata: string;
  readonly whatHappened: string;
  readonly reason: string;
}

export const WORDS: Readonly<Record<"en" | "ko", Words>> = {
  en: {
    field: "field",
    type: "type",
    meaning: "meaning",
    value: "value",
    code: "code",
    reasons: "reasons",
    whatToDo: "what to do",
    request: "Request",
    response: "Response",
    noFields: "no fields",
    metadata: "metadata",
    whatHappened: "what happened",
    reason: "reason",
  },
  ko: {
    field: "필드",
    type: "타입",
    meaning: "의미",
    value: "값",
    code: "코드",
    reasons: "이유",
    whatToDo: "할 일",
    request: "요청",
    response: "응답",
    noFields: "필드 없음",
    metadata: "메타데이터",
    whatHappened: "일어난 일",
    reason: "이유",
  },
};

/** Where a message or an enum is described, as a link from any page of reference/. */
export type Places = ReadonlyMap<string, string>;

/** The anchor of a heading that reads as `heading`. */
export function anchor(heading: string): string {
  return new GithubSlugger().slug(heading);
}

/** Text of a comment outside code: what would be taken for a tag of HTML, or for emphasis, is written as itself. */
export function prose(text: string): string {
  const parts = text.split(/(`[^`]*`)/);
  return parts.map((part, index) => (index % 2 === 1 ? part : escaped(part))).join("");
}

function escaped(text: string): string {
  return text.replaceAll("<", "&lt;").replaceAll("*", "\\*").replaceAll("{{", "&#123;&#123;");
}

export function fieldTable({ fields }: DescMessage, places: Places, words: Words): string {
  if (fields.length === 0) return `(${words.noFields})`;
  const rows = fields.map((field) => [`\`${field.name}\``, typeOf(field, places), meaning(field)]);
  return markdownTable([words.field, words.type, words.meaning], rows);
}

export function valueTable({ values }: DescEnum, words: Words): string {
  const rows = values.map((value) => [`\`${value.name}\``, prose(sentence(value))]);
  return markdownTable([words.value, words.meaning], rows);
}

function meaning(field: DescField): string {
  const group = field.oneof === undefined ? "" : ` (oneof \`${field.oneof.name}\`)`;
  return `${prose(sentence(field))}${group}`;
}

function typeOf(field: DescField, places: Places): string {
  if (field.fieldKind === "map") {
    return `map of ${scalar(field.mapKey)} to ${single(field.mapKind, field, places)}`;
  }
  if (field.fieldKind === "list") return `repeated ${single(field.listKind, field, places)}`;
  return single(field.fieldKind, field, places);
}

type Kind = "scalar" | "enum" | "message";

function single(kind: Kind, { message, enum: values, scalar: type }: DescField, places: Places): string {
  if (kind === "scalar") return scalar(type ?? ScalarType.STRING);
  const named = kind === "message" ? message : values;
  return named === undefined ? "" : linked(named, places);
}

/** Ours as a link; others (`google.protobuf.Timestamp`) by their full name. */
export function linked({ typeName, name }: DescMessage | DescEnum, places: Places): string {
  const place = places.get(typeName);
  return place === undefined ? `\`${typeName}\`` : `[${name}](${place})`;
}

function scalar(type: ScalarType): string {
  return ScalarType[type].toLowerCase();
}
