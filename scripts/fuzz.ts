// `npm run fuzz -- [SECONDS]`: the decoders of plans, frames, archives and skeletons under libFuzzer, ASan and UBSan (native/fuzz.c), 60 seconds
// unless told. Starts from real encoded plans and messages. Exits non-zero on a crash, whose input it keeps in build/fuzz/.
import { execFileSync, spawnSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { encodeMessage, type Message } from "../src/linux/monitor/messages.gen.ts";
import { encodePlan, type Operation } from "../src/linux/plan/operations.gen.ts";
import { ACTORS, type ArgumentType, type Definition, MESSAGES, NO_SLOT, OPERATIONS } from "../src/linux/plan/table.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, "build/fuzz");
const PLAN = Buffer.from([1]);
const FRAMES = Buffer.from([0]);
/** With right checksums, whatever the bytes are; 2: as they come. */
const TAR = Buffer.from([6]);
const SKELETON = Buffer.from([3]);

const SAMPLES: Readonly<Record<ArgumentType, unknown>> = {
  u32: 1,
  i32: -1,
  u64: 0x20000000n,
  slot: 770,
  str: "dev/null",
  bytes: Buffer.from("0123456789abcdef"),
  strs: ["/bin/sh", "-c", ""],
  slots: [1, 768],
  u32s: [0, 65535],
};

/** Arguments of the right types. */
function sample(definition: Definition): Record<string, unknown> {
  return Object.fromEntries(Object.entries(definition.arguments).map(([name, type]) => [name, SAMPLES[type]]));
}

/** A plan with every operation of the table, in an order and with actors that the monitor accepts. */
function everyOperation(): readonly Operation[] {
  const clone = (actor: "monitor" | "stage", becomes: number): unknown => ({
    op: "clone",
    actor,
    becomes,
    flags: 0n,
    cgroup: NO_SLOT,
    pid: 16,
  });
  const monitorOnly = new Set(["process", "log", "stream"]);
  const apart = new Set(["clone", "sync", "exec", "pause", "untar", "retar", "nft"]);
  const each = Object.entries(OPERATIONS)
    .filter(([op]) => !apart.has(op))
    .map(([op, definition]) => ({ op, actor: monitorOnly.has(op) ? "monitor" : "stage", ...sample(definition) }));
  const sync = { op: "sync", actor: "stage", from: ACTORS.stage, to: ACTORS.monitor, slots: [16, 768] };
  const exec = { op: "exec", actor: "child", ...sample(OPERATIONS.exec) };
  const nft = { op: "nft", actor: "daemon", ...sample(OPERATIONS.nft) };
  return [nft, clone("monitor", ACTORS.stage), clone("stage", ACTORS.child), ...each, sync, exec] as Operation[];
}

/** Starting points: the first byte tells the fuzz target which decoder they are for. */
function writeCorpus(folder: string): void {
  const plan = everyOperation();
  const write = (name: string, kind: Buffer, bytes: Buffer): void =>
    writeFileSync(join(folder, name), Buffer.concat([kind, bytes]));
  write("plan", PLAN, encodePlan(plan));
  write("empty-plan", PLAN, encodePlan([]));
  for (let length = 1; length <= plan.length; length += 8)
    write(`plan-${length}`, PLAN, encodePlan(plan.slice(0, length), { operation: length - 1, errno: 5 }));
  const messages = Object.entries(MESSAGES).map(([type, definition]) =>
    encodeMessage(1, { type, ...sample(definition) } as unknown as Message),
  );
  write("frames", FRAMES, Buffer.concat(messages));
  write("run", FRAMES, encodeMessage(2, { type: "run", plan: encodePlan(plan) }));
  for (const [name, archive] of archives()) write(`tar-${name}`, TAR, archive);
  const skeleton = `podrunS1R\u0003\0\0\0rawF\u0003\0a/b\u0005\0\0\0\0\0\0\0C${"\0".repeat(16)}L\u0001\0cE${"\0".repeat(8)}`;
  write("skeleton", SKELETON, Buffer.from(skeleton, "latin1"));
}

/** Small archives in every form that GNU tar writes. */
function archives(): readonly (readonly [string, Buffer])[] {
  const tree = mkdtempSync(join(tmpdir(), "podrun-fuzz-"));
  try {
    writeFileSync(join(tree, "file"), "content");
    linkSync(join(tree, "file"), join(tree, "hard link"));
    symlinkSync("t".repeat(150), join(tree, "n".repeat(150)));
    writeFileSync(join(tree, "sparse"), "begin");
    truncateSync(join(tree, "sparse"), 1_000_000);
    return [
      ["v7"],
      ["ustar"],
      ["oldgnu", "--sparse"],
      ["gnu"],
      ["pax"],
      ...["0.0", "0.1", "1.0"].map((v) => ["pax", "--sparse", `--sparse-version=${v}`]),
    ].map(([form, ...options], i) => {
      const made = spawnSync("tar", [
        "-C",
        tree,
        "-b1",
        `--format=${form}`,
        ...options,
        "-cf",
        "-",
        ...(i < 2 ? ["file"] : ["."]),
      ]);
      return [`${i}-${form}`, made.stdout.length > 65_000 ? made.stdout.subarray(0, 4096) : made.stdout];
    });
  } finally {
    rmSync(tree, { recursive: true });
  }
}

const seconds = Number(process.argv[2] ?? "60");
if (!Number.isSafeInteger(seconds) || seconds < 1) {
  console.error("usage: npm run fuzz -- [SECONDS], a whole number of at least 1");
  process.exit(2);
}
execFileSync("make", ["-s", "-C", join(ROOT, "native"), "fuzz"], { stdio: "inherit" });
const corpus = join(FOLDER, "corpus");
mkdirSync(corpus, { recursive: true });
writeCorpus(corpus);
const jobs = Math.min(4, availableParallelism());
const run = spawnSync(
  join(ROOT, "build/native-fuzz"),
  [corpus, `-fork=${jobs}`, `-max_total_time=${seconds}`, "-max_len=65536", `-artifact_prefix=${FOLDER}/`],
  { stdio: "inherit" },
);
if (run.error) throw run.error;
process.exitCode = run.status ?? 1;
