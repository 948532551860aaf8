import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../../src/base/clock.ts";
import { Store } from "../../../src/store/index.ts";

/** Addresses 10.0.0.2 … 10.0.0.6. */
export const numbers = (last = 6) => ({
  name: "10.0.0.0/29 and fd00::/125",
  first: 2,
  last,
  at: (number: number) => ({
    ip4: `10.0.0.${number}`,
    ip6: `fd00::${number.toString(16)}`,
    linkIndex: 200_000 + number,
    linkName: `t${number}`,
    podMac: `02:00:00:00:00:0${number}`,
  }),
});

/** A store in a folder that goes when the test ends. */
export function testStore(t: { teardown(fn: () => void): void }, options: { readonly last?: number } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "podrun-store-"));
  const clock = new ManualClock(1_000_000_000);
  const config = { root: join(folder, "root"), run: join(folder, "run") };
  const open = (bootId?: string) =>
    new Store({ config, numbers: numbers(options.last), clock, ...(bootId === undefined ? {} : { bootId }) });
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, clock, config, open, store: open() };
}
