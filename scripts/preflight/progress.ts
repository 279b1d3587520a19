/** What a test process of the preflight tells. */
export type Progress =
  /** A test or hook has begun; a timeout of 0 means that it set none. */
  | { readonly kind: "begin"; readonly title: string; readonly timeoutMs: number }
  /** It has ended. */
  | { readonly kind: "between" }
  /** The last test has ended; the process is expected to end by itself now. */
  | { readonly kind: "over" }
  /** Milliseconds by file. */
  | { readonly kind: "files"; readonly took: Readonly<Record<string, number>> };
