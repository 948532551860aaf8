import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { machineGoesDown } from "../../../src/daemon/machine-stop.ts";

function makeRoot(t: { testdir(): string }, init: string, systemd: boolean): string {
  const root = t.testdir();
  mkdirSync(join(root, "proc/1"), { recursive: true });
  writeFileSync(join(root, "proc/1/comm"), `${init}\n`);
  if (systemd) mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  return root;
}

const says = (text: string) => async (): Promise<string> => `${text}\n`;

t.test("the machine goes down while systemd is stopping, and not while it does anything else", async (t) => {
  const root = makeRoot(t, "systemd", true);
  t.equal(await machineGoesDown(root, says("stopping")), true);
  for (const state of ["running", "degraded", "starting", "maintenance", "offline", ""])
    t.equal(await machineGoesDown(root, says(state)), false, state);
});

t.test("systemd-shutdown has taken its place: nobody is left to ask", async (t) => {
  const root = makeRoot(t, "systemd-shutdow", false);
  t.equal(await machineGoesDown(root, () => Promise.reject(new Error("nobody to ask"))), true);
});

t.test("without systemd nobody is asked", async (t) => {
  const root = makeRoot(t, "init", false);
  t.equal(await machineGoesDown(root, () => Promise.reject(new Error("nobody to ask"))), false);
});
