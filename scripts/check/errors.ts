import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_CODES } from "../../src/base/errors.ts";

/** Error codes that docs/errors.md does not explain (a heading `### Code` each), and headings there that are no code. */
export function undocumentedErrors(root: string): readonly string[] {
  const text = readFileSync(join(root, "docs/errors.md"), "utf8");
  const documented = new Set([...text.matchAll(/^### (\w+)$/gm)].map((match) => match[1] ?? ""));
  const codes: ReadonlySet<string> = new Set(ERROR_CODES);
  return [
    ...[...codes].filter((code) => !documented.has(code)).map((code) => `docs/errors.md: no section for ${code}`),
    ...[...documented].filter((code) => !codes.has(code)).map((code) => `docs/errors.md: ${code} is no error code`),
  ];
}
