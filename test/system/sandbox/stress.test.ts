import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { findLeaks, takeInventory, takeLinks } from "../support/leaks.ts";
import { execText, runToEnd, startRuntime } from "./runtime.ts";
import { pidsOf, untilGone } from "./support/faults.ts";

const made = await startRuntime("str");
t.teardown(() => made.close());

/** An emulated machine does less of each. */
const share = (count: number): number =>
  Number(process.env["PODRUN_TEST_SLOWNESS"] ?? 1) > 1 ? Math.ceil(count / 10) : count;

/** A pod whose two containers run, one of which asks the other over localhost. */
async function pod(): Promise<string> {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const server = await runtime.createContainer(id, made.container("server", "exec nc -l -p 8080 -e echo hello"));
  await runtime.startContainer(server);
  const ask = made.container("client", "until nc 127.0.0.1 8080 </dev/null; do usleep 20000; done");
  const { code, log } = await runToEnd(runtime, id, ask);
  if (code !== 0 || !/hello/.test(log)) throw new Error(`the client ended with ${code}: ${log}`);
  return id;
}

const descriptors = (): number => globSync("/proc/self/fd/*").length;

t.test("two hundred pods one after another leave nothing", async (t) => {
  await made.runtime.removeSandbox(await pod());
  const before = descriptors();
  for (let i = 0; i < share(200); i++) await made.runtime.removeSandbox(await pod());
  t.strictSame(await findLeaks(made), []);
  t.ok(descriptors() <= before + 5, `${before} descriptors before, ${descriptors()} after`);
});

t.test("fifty pods at once leave nothing", async (t) => {
  const ids = await Promise.all(Array.from({ length: share(50) }, pod));
  t.equal(made.runtime.listSandboxes().length, ids.length);
  t.equal(made.runtime.listContainers().length, 2 * ids.length);
  t.equal(new Set(made.runtime.listSandboxes().flatMap(({ addresses }) => addresses)).size, 2 * ids.length);
  await Promise.all(ids.map((id) => made.runtime.removeSandbox(id)));
  t.strictSame(await findLeaks(made), []);
});

/** The named steps of the runtime at which the fault switch can kill it. */
const STEPS = globSync(join(import.meta.dirname, "../../../src/sandbox/*.ts")).flatMap((file) =>
  [...readFileSync(file, "utf8").matchAll(/\bstep\("([a-z.-]+)"\)/g)].map(([, name]) => name as string),
);

/** Fisher and Yates' shuffle with a small generator of its own (mulberry32), so that a seed gives the same order again. */
function shuffle<T>(items: readonly T[], seed: number): readonly T[] {
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j] as T, all[i] as T];
  }
  return all;
}

/** Runs support/victim.ts until it dies at a step; false when it never came to it. */
async function killAt(fault: string): Promise<boolean> {
  const script = join(import.meta.dirname, "support/victim.ts");
  const child = spawn(process.execPath, [script, "str", made.folder, String(process.pid)], {
    env: { ...process.env, PODRUN_FAULT: fault },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (signal === null && code !== 0) throw new Error(`the victim of ${fault} ended with ${code}`);
  return signal === "SIGKILL";
}

t.test("twenty deaths of the runtime at random steps leave the running pod running, and nothing else", async (t) => {
  const seed = Number(process.env["PODRUN_TEST_SEED"] ?? Date.now() % 1_000_000);
  t.comment(`PODRUN_TEST_SEED=${seed}`);
  const { id } = await made.runtime.runSandbox(made.sandbox());
  const main = await made.runtime.createContainer(id, made.container("main", "exec sleep 100000"));
  const { pid } = await made.runtime.startContainer(main);
  const before = [...takeInventory(made), ...(await takeLinks(made))];
  // Of the steps that a start of two containers comes to twice, the second time too.
  const faults = STEPS.flatMap((step) => [
    `${step}:kill`,
    ...(step.startsWith("container.") ? [`${step}#2:kill`] : []),
  ]);
  for (const fault of shuffle(faults, seed).slice(0, share(20))) {
    const died = await killAt(fault);
    t.comment(`${fault}: ${died ? "died" : "did not come to it"}`);
    const runtime = await made.restart();
    for (const sandbox of runtime.listSandboxes()) if (sandbox.id !== id) await runtime.removeSandbox(sandbox.id);
    t.strictSame(await findLeaks(made, before), [], `${fault}: nothing is left`);
    t.match(runtime.containerStatus(main), { state: "running", pid }, `${fault}: the other pod runs`);
    t.equal((await execText(runtime, main, ["true"])).code, 0, "and can be entered");
  }
  const monitors = pidsOf(made, "podrun-monitor");
  await made.runtime.removeSandbox(id);
  await untilGone(monitors);
});
