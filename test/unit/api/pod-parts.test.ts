import { request } from "node:http";
import { join } from "node:path";
import t from "tap";
import type { Pod } from "../../../src/spec/index.ts";
import { type FakeDaemon, makePod, startFake } from "./fake.ts";

const STRATEGIC = "application/strategic-merge-patch+json";
const MERGE = "application/merge-patch+json";

function send(fake: FakeDaemon, method: string, part: string, body: object, type = "application/json") {
  return new Promise<{ code: number; pod: Pod; message: string }>((resolve, reject) => {
    const socketPath = join(fake.config.run, "podrun.sock");
    const path = `/api/v1/namespaces/default/pods/web/${part}`;
    const asked = request({ socketPath, method, path, headers: { "content-type": type } }, async (answer) => {
      const parsed = JSON.parse((await answer.setEncoding("utf8").toArray()).join(""));
      resolve({ code: answer.statusCode ?? 0, pod: parsed, message: String(parsed.message) });
    });
    asked.on("error", reject).end(method === "GET" ? "" : JSON.stringify(body));
  });
}

const named = (...names: string[]) => ({
  spec: { ephemeralContainers: names.map((name) => ({ name, image: "podrun.local/base:1" })) },
});
const names = ({ spec }: Pod) => spec.ephemeralContainers?.map(({ name }) => name);

t.test("ephemeral containers are put as a list, and a strategic patch adds to it", async (t) => {
  const fake = await startFake(t);
  await fake.client.createPod(makePod("web"));
  const put = await send(fake, "PUT", "ephemeralcontainers", named("a"));
  t.equal(put.code, 200);
  t.same(names(put.pod), ["a"]);
  t.match(put.pod.spec.ephemeralContainers, [{ imagePullPolicy: "IfNotPresent" }], "defaults are filled in");
  t.same(names((await send(fake, "PATCH", "ephemeralcontainers", named("b"), STRATEGIC)).pod), ["a", "b"]);
  t.same(names((await send(fake, "PATCH", "ephemeralcontainers", named("a", "b", "c"), MERGE)).pod), ["a", "b", "c"]);
  t.same(names((await send(fake, "GET", "ephemeralcontainers", {})).pod), ["a", "b", "c"]);
  t.equal((await send(fake, "DELETE", "ephemeralcontainers", {})).code, 405);
});

t.test("of the body nothing else is taken, and what is wrong in it is told with its place", async (t) => {
  const fake = await startFake(t);
  await fake.client.createPod(makePod("web"));
  const { spec } = named("a");
  const other = await send(fake, "PUT", "ephemeralcontainers", { spec: { ...spec, hostname: "other" } });
  t.equal(other.pod.spec.hostname, undefined);
  const wrong = await send(fake, "PUT", "ephemeralcontainers", { spec: { ephemeralContainers: [{ name: "x" }] } });
  t.equal(wrong.code, 422);
  t.match(wrong.message, /spec.ephemeralContainers\[0\].image: required/);
  t.equal((await send(fake, "PUT", "ephemeralcontainers", { spec: { ephemeralContainers: {} } })).code, 400);
  t.equal((await send(fake, "PUT", "ephemeralcontainers", [])).code, 400);
});

const conditions = (...list: object[]) => ({ status: { conditions: list } });
const theirs = ({ status }: Pod) => status.conditions?.map(({ type, status: word }) => `${type}=${word}`);

t.test("conditions are put as a list, and a strategic patch changes those that it names", async (t) => {
  const fake = await startFake(t);
  await fake.client.createPod(makePod("web"));
  const put = await send(
    fake,
    "PUT",
    "status",
    conditions({ type: "x/a", status: "True" }, { type: "x/b", status: "False" }),
  );
  t.same(theirs(put.pod), ["x/a=True", "x/b=False"]);
  const patched = await send(fake, "PATCH", "status", conditions({ type: "x/b", status: "True" }), STRATEGIC);
  t.same(theirs(patched.pod), ["x/a=True", "x/b=True"]);
});

t.test("what is no condition is refused", async (t) => {
  const fake = await startFake(t);
  await fake.client.createPod(makePod("web"));
  for (const [condition, message] of [
    [{ status: "True" }, /status.conditions\[0\].type: want a condition's name/],
    [{ type: "x\u001b", status: "True" }, /\.type: /],
    [{ type: "x/a", status: "yes" }, /\.status: want True, False or Unknown/],
    [{ type: "x/a", status: "True", message: 3 }, /\.message: want a text/],
  ] as const) {
    const answer = await send(fake, "PUT", "status", conditions(condition));
    t.equal(answer.code, 400);
    t.match(answer.message, message);
  }
  t.equal((await send(fake, "PUT", "status", { status: { conditions: "no" } })).code, 400);
});
