import type { Test } from "tap";
import type { CommandResult } from "../api/fake.ts";

/** A manifest of one pod; `more` are lines of its spec. */
export const manifest = (name: string, more = ""): string =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\nspec:\n${more}  containers:\n  - name: main\n    image: podrun.local/base\n`;

/** Compares what a command said; the exit code is 0 where none is named. */
export function said(
  t: Test,
  result: CommandResult,
  want: { code?: number; stdout?: string | RegExp; stderr?: string | RegExp },
): void {
  t.match(result, { code: 0, ...want });
}
