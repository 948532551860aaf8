// Many pods: at once, and one after another.
import { getPriority } from "node:os";
import t from "tap";
import type { Pod } from "../../src/spec/index.ts";
import { isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

t.test("fifty pods at once come up and go, and leave nothing", async (t) => {
  const podrun = startInstance(t);
  const manifests = Array.from({ length: 50 }, (_, index) => makeManifest(`many-${index}`));
  await podrun.start(...manifests);
  t.equal((await podrun.pods()).length, 50);
  t.equal(getPriority(podrun.daemonPid()), -10, "the daemon goes before them");
  const nice = ["exec", "many-0", "--", "cut", "-d", " ", "-f", "19", "/proc/self/stat"];
  t.equal(await podrun.ok(...nice), "0\n");
  await podrun.ok("delete", "pods", "--all");
  t.equal(await podrun.findings(), "");
});

t.test("two hundred pods one after another leave nothing", async (t) => {
  const podrun = startInstance(t, { env: { PODRUN_CIDR4: "10.251.0.0/22", PODRUN_CIDR6: "fd77:251::/118" } });
  await podrun.pods();
  const path = "/api/v1/namespaces/default/pods";
  for (let index = 0; index < 200; index++) {
    const name = `pod-${index}`;
    let last: unknown;
    const answer = async () => {
      const { status, body } = await podrun.request("GET", `${path}/${name}`);
      last = body;
      return { status, body };
    };
    const shown = () => `${JSON.stringify(last)}\n${podrun.daemonLog()}`;
    await podrun.request("POST", path, makeManifest(name));
    await until(async () => isReady((await answer()).body as Pod), 60_000, shown);
    await podrun.request("DELETE", `${path}/${name}`);
    await until(async () => (await answer()).status === 404, 60_000, shown);
  }
  t.equal(await podrun.findings(), "");
});
