import t from "tap";
import { makeManifest, startInstance } from "./support/podrun.ts";
t.test("x", async (t) => {
  const podrun = startInstance(t);
  for (let i = 0; i < 4; i++) {
    await podrun.start(makeManifest("web" + i));
    for (let k = 0; k < 10; k++) {
      const r = await podrun.podrun("debug", "web" + i, "--image=podrun.local/base", "--attach", "--", "ip", "address");
      if (r.code !== 0 || r.stdout === "") {
        console.error("HANG", i, k, r);
        console.error(await podrun.ok("get", "pod", "web" + i, "-o", "yaml"));
        console.error(await podrun.ok("describe", "pod", "web" + i));
        t.fail("hang"); return;
      }
    }
  }
  t.ok(true);
});
