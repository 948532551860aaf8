import { stringify } from "yaml";
import type { Failure, Outcome } from "./run-file.ts";

const indent = (text: string, by: string): string => text.trimEnd().replaceAll(/^/gm, by);

/** What tap knows of a failure. Its excerpt of the source and its stack repeat what `at` says. */
interface Diagnostics {
  readonly at?: { readonly fileName?: string; readonly lineNumber?: number };
  readonly source?: string;
  readonly stack?: string;
}

function describe({ name, details }: Failure): string {
  if (typeof details !== "object" || details === null) return `  not ok: ${name}`;
  const { at, source, stack, ...rest }: Diagnostics = details;
  const place = at?.fileName === undefined ? stack?.split("\n")[0] : `${at.fileName}:${at.lineNumber}`;
  const more = Object.keys(rest).length > 0 ? `\n${indent(stringify(rest, { lineWidth: 0 }), "      ")}` : "";
  return `  not ok: ${name}${place === undefined ? "" : ` (${place})`}${more}`;
}

/** One line a test file; beneath it what failed, with what the file wrote to stderr, and what was skipped. */
export function printOutcome({ file, passed, failures, skipped, seconds, stderr }: Outcome): void {
  const counts = `${passed} passed${failures.length > 0 ? `, ${failures.length} FAILED` : ""}`;
  console.log(`${failures.length === 0 ? "ok    " : "FAILED"} ${file}: ${counts} (${seconds.toFixed(1)} s)`);
  for (const failure of failures) console.log(describe(failure));
  for (const text of skipped) console.log(`  skipped: ${text}`);
  if (failures.length > 0 && stderr.trim() !== "") console.log(`  stderr:\n${indent(stderr, "      ")}`);
}
