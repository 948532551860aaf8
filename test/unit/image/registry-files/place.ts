// Surroundings of a test's own: nothing of this machine's /etc, home or environment is read.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Test } from "tap";
import type { Place } from "../../../../src/image/registry/place.ts";

export interface TestPlace extends Place {
  /** The file's path. Objects are written as JSON. */
  readonly write: (name: string, content: string | object) => string;
}

/** `home/`, `etc/`, `run/` below a folder; `files` by their paths there. */
export function testPlace(
  t: Test,
  files: Readonly<Record<string, string | object>> = {},
  env: Record<string, string> = {},
): TestPlace {
  const folder = mkdtempSync(join(tmpdir(), "podrun-files-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, content: string | object): string => {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    return file;
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  return { env, home: join(folder, "home"), etc: join(folder, "etc"), run: join(folder, "run"), uid: 0, write };
}

/** `auth` of an auth file. */
export const auth = (user: string, password = "secret") => ({
  auth: Buffer.from(`${user}:${password}`).toString("base64"),
});
