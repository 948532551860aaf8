import t from "tap";
import { layerProblems } from "../../../scripts/check/layers.ts";

t.test("imports that point down, or from spec to base, are no problem", async (t) => {
  const src = t.testdir({
    base: { "ids.ts": "export const id = 1;" },
    spec: { "pod.ts": 'import { id } from "../base/ids.ts";' },
    cli: { "main.ts": 'import "../api/client.ts"; import type { Pod } from "../spec/pod.ts";' },
    api: { "client.ts": "", "server.ts": 'const later = await import("../linux/plan.ts");' },
    linux: { "plan.ts": "" },
  });
  t.same(layerProblems(src), []);
});

t.test("an import that points up is named, static, dynamic, or of a type", async (t) => {
  const src = t.testdir({
    base: { "a.ts": 'import type { P } from "../pod/p.ts";', "b.ts": 'type P = import("../pod/p.ts").P;' },
    pod: { "p.ts": "" },
  });
  const problems = layerProblems(src);
  t.match(problems, [/base\/a\.ts .* imports pod\/p\.ts/, /base\/b\.ts .* imports pod\/p\.ts/]);
  t.equal(problems.length, 2);
});

t.test("modules of one layer do not import one another", async (t) => {
  const src = t.testdir({ image: { "a.ts": 'export * from "../store/s.ts";' }, store: { "s.ts": "" } });
  t.match(layerProblems(src), [/image\/a\.ts imports store\/s\.ts: both are of layer 1/]);
});

t.test("of api/ the command line may import the client only", async (t) => {
  const src = t.testdir({ cli: { "a.ts": 'import "../api/server.ts";' }, api: { "server.ts": "" } });
  t.match(layerProblems(src), [/cli\/a\.ts imports api\/server\.ts: cli\/ may import only/]);
});

t.test(
  "what the API's client imports must not bring the daemon's code into the command line, but its types may",
  async (t) => {
    const src = t.testdir({
      cli: { "main.ts": 'import "../api/client.ts";' },
      api: {
        "client.ts": 'import type { P } from "../pod/p.ts"; import "./server.ts";',
        "server.ts": 'import "../pod/q.ts";',
      },
      pod: { "p.ts": "", "q.ts": "" },
    });
    t.same(layerProblems(src), ["src/api/server.ts makes the command line load pod/q.ts, which is the daemon's"]);
  },
);

t.test("a cycle within a module is shown whole", async (t) => {
  const src = t.testdir({
    base: { "a.ts": 'import "./b.ts";', "b.ts": 'import "./c.ts";', "c.ts": 'import "./a.ts";' },
  });
  t.same(layerProblems(src), ["import cycle: base/a.ts -> base/b.ts -> base/c.ts -> base/a.ts"]);
});

t.test("a module without a layer is named", async (t) => {
  const src = t.testdir({ extra: { "a.ts": 'import "../base/b.ts";' }, base: { "b.ts": "" } });
  t.match(layerProblems(src), [/module "extra" has no layer/]);
});
