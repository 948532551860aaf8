import { request } from "node:http";
import { join } from "node:path";
import t from "tap";
import { type FakeDaemon, runCommand, runningPod, startFake } from "./fake.ts";

const V1 = "application/json;as=Table;v=v1;g=meta.k8s.io";
/** What kubectl sends. */
const KUBECTL = `${V1},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`;

interface Table {
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string };
  readonly columnDefinitions: readonly { readonly name: string; readonly format: string; readonly priority: number }[];
  readonly rows: readonly {
    readonly cells: readonly string[];
    readonly object?: { readonly kind: string; readonly spec?: object; readonly metadata: { readonly name: string } };
  }[];
}

function get({ config }: FakeDaemon, query: string, accept?: string): Promise<{ code: number; body: Table }> {
  const options = { socketPath: join(config.run, "podrun.sock"), path: `/api/v1/pods${query}` };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, headers: accept === undefined ? {} : { accept } }, async (response) => {
      const text = (await response.setEncoding("utf8").toArray()).join("");
      resolve({ code: response.statusCode ?? 0, body: JSON.parse(text) as Table });
    });
    sent.on("error", reject).end();
  });
}

t.test("who accepts a Table gets the rows that kubectl prints, everybody else the pods", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web", ["a", "b"]));
  const { body } = await get(fake, "", KUBECTL);
  t.match(body, { kind: "Table", metadata: { resourceVersion: "1" } });
  t.same(
    body.columnDefinitions.filter(({ priority }) => priority === 0).map(({ name }) => name),
    ["Name", "Ready", "Status", "Restarts", "Age"],
  );
  t.equal(body.columnDefinitions[0]?.format, "name");
  const [row] = body.rows;
  t.equal(row?.cells.length, body.columnDefinitions.length);
  t.same(row?.cells.slice(0, 4), ["web", "2/2", "Running", "0"]);
  t.match(row?.object, { kind: "PartialObjectMetadata", metadata: { name: "web" } });
  t.equal(row?.object?.spec, undefined);
  for (const other of [undefined, "application/json", "*/*", V1.replace("v=v1", "v=v2"), V1.replace("json", "yaml")])
    t.equal((await get(fake, "", other)).body.kind, "PodList", String(other));
});

t.test("a row has of its object what includeObject says, and another word is refused", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web"));
  const object = async (include: string) => (await get(fake, `?includeObject=${include}`, V1)).body.rows[0]?.object;
  t.equal(await object("None"), undefined);
  t.match(await object("Metadata"), { kind: "PartialObjectMetadata" });
  t.match(await object("Object"), { kind: "Pod", spec: {} });
  const refused = await get(fake, "?includeObject=All", V1);
  t.match(refused, { code: 400, body: { message: /includeObject is "All": want None, Metadata, Object/ } });
});

t.test("a row is the pod's present state, and only of pods that the selectors mean", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web"));
  fake.pods.put(runningPod("other"));
  const status = async () =>
    (await get(fake, "?fieldSelector=metadata.name=web", V1)).body.rows.map(({ cells }) => cells[2]);
  t.same(await status(), ["Running"]);
  const ended = runningPod("web");
  ended.status = { ...ended.status, containerStatuses: [], phase: "Failed" };
  fake.pods.put(ended);
  t.same(await status(), ["Failed"]);
});

t.test("get pods prints the daemon's rows as it prints pods that it has read itself", async (t) => {
  const fake = await startFake(t);
  const pod = runningPod("web", ["a", "b"]);
  pod.metadata.labels = { app: "web", tier: "front" };
  pod.metadata.creationTimestamp = "2020-01-01T00:00:00Z";
  fake.pods.put(pod);
  const old = runningPod("a-much-longer-name", ["main"], "elsewhere");
  old.metadata.creationTimestamp = "2021-01-01T00:00:00Z";
  fake.pods.put(old);
  const print = async (...argv: string[]): Promise<string> => (await runCommand(fake, ["get", "pods", ...argv])).stdout;
  // With an order of their own they are read whole.
  for (const flags of [[], ["-A"], ["-o", "wide"], ["-A", "--show-labels"], ["--no-headers"], ["-l", "app=web"]])
    t.equal(await print(...flags), await print(...flags, "--sort-by=.metadata.creationTimestamp"), flags.join(" "));
  t.match(
    await print("-A", "--show-labels"),
    /^NAMESPACE .*LABELS\ndefault +web .*app=web,tier=front\nelsewhere .*<none>\n$/,
  );
});
