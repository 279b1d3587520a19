/** A JSON value as callers may send it in a `google.protobuf.Struct`. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

export interface JsonObject {
  [key: string]: JsonValue;
}
