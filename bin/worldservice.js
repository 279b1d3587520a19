#!/usr/bin/env node
// In a checkout the sources are what runs; an installed package has only what was built from them.
import { existsSync } from "node:fs";

const source = new URL("../src/cli/worldservice.ts", import.meta.url);
await import(
  existsSync(source) ? source.href : new URL("../dist/src/cli/worldservice.js", import.meta.url).href
);
