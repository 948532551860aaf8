// Generates the plan and protocol codecs, TypeScript and C, from the one table. `--check`: writes nothing, exits 1 when a
// committed file is not what would be generated.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as table from "../src/linux/plan/table.ts";
import { messagesCodec, messagesHeader, operationsDecoder, operationsHeader } from "./generate/c.ts";
import { operationsDocument } from "./generate/markdown.ts";
import { messagesModule, operationsModule } from "./generate/typescript.ts";

const ROOT = join(import.meta.dirname, "..");

const CONSTANTS = {
  PROTOCOL_VERSION: table.PROTOCOL_VERSION,
  PLAN_MAGIC: table.PLAN_MAGIC,
  NO_SLOT: table.NO_SLOT,
  PLAN_SLOTS: table.PLAN_SLOTS,
  SLOT_LIMIT: table.SLOT_LIMIT,
  PROC_SLOT: table.PROC_SLOT,
  OPERATION_OPTIONAL: table.OPTIONAL,
  RESOLVE_INSIDE: table.RESOLVE_IN_ROOT,
  ACTOR_DAEMON: table.ACTORS.daemon,
  ACTOR_MONITOR: table.ACTORS.monitor,
  ACTOR_STAGE: table.ACTORS.stage,
  ACTOR_CHILD: table.ACTORS.child,
};

const FILES: Readonly<Record<string, string>> = {
  "src/linux/plan/operations.gen.ts": operationsModule(table.OPERATIONS),
  "src/linux/monitor/messages.gen.ts": messagesModule(table.MESSAGES),
  "native/gen/operations.h": operationsHeader(table.OPERATIONS, CONSTANTS),
  "native/gen/decode_operations.c": operationsDecoder(table.OPERATIONS),
  "native/gen/messages.h": messagesHeader(table.MESSAGES),
  "native/gen/messages.c": messagesCodec(table.MESSAGES),
  "docs/operations.md": operationsDocument(table.OPERATIONS, table.MESSAGES),
};

/** Codes are append-only and unique: two names on one code would make an old monitor do the wrong thing. */
function checkCodes(definitions: Readonly<Record<string, table.Definition>>): void {
  const names = new Map<number, string>();
  for (const [name, { code }] of Object.entries(definitions)) {
    const other = names.get(code);
    if (other !== undefined) throw new Error(`table.ts: ${name} and ${other} have the same code ${code}`);
    names.set(code, name);
  }
}

function current(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

checkCodes(table.OPERATIONS);
checkCodes(table.MESSAGES);
const check = process.argv.includes("--check");
for (const [name, text] of Object.entries(FILES)) {
  const path = join(ROOT, name);
  if (current(path) === text) continue;
  if (check) {
    console.error(`${name} is stale: run \`npm run generate\` and commit it`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`wrote ${name}`);
}
