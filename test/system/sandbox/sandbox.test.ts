import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { execText, runToEnd, startRuntime } from "./runtime.ts";

const made = await startRuntime("sbx");
t.teardown(() => made.close());

t.test("a pod of two containers: one asks the other over localhost, and the host asks by the pod's IP", async (t) => {
  const { runtime } = made;
  const { id, addresses } = await runtime.runSandbox(made.sandbox());
  const server = await runtime.createContainer(
    id,
    made.container("server", "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 8080 -h /www"),
  );
  await runtime.startContainer(server);
  const asked = await runToEnd(
    runtime,
    id,
    made.container("client", "until wget -q -O - http://127.0.0.1:8080/; do usleep 10000; done"),
  );
  t.match(asked, { code: 0, reason: "Completed" });
  t.match(asked.log, /^hello$/m);
  const answer = await fetch(`http://${addresses[0]}:8080/`);
  t.equal(await answer.text(), "hello\n");
  const six = await fetch(`http://[${addresses[1]}]:8080/`);
  t.equal(await six.text(), "hello\n");
  await runtime.removeSandbox(id);
  t.same(runtime.listContainers(), []);
});

t.test("exec runs in the container and passes its exit code and its streams apart", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const container = await runtime.createContainer(id, made.container("main", "exec sleep 1000"));
  await runtime.startContainer(container);
  const result = await execText(runtime, container, ["sh", "-c", "hostname; echo oops >&2; ps | wc -l; exit 7"]);
  t.equal(result.code, 7);
  t.match(result.stdout, /^pod\n/);
  t.equal(result.stderr, "oops\n");
  await t.rejects(execText(runtime, container, ["nonesuch"]), { code: "CommandNotFound" });
  await runtime.removeSandbox(id);
});

t.test(
  "after a restart of the daemon running containers are taken up again, ended ones keep their exit code",
  async (t) => {
    const { id } = await made.runtime.runSandbox(made.sandbox());
    const running = await made.runtime.createContainer(id, made.container("running", "exec sleep 1000"));
    const { pid } = await made.runtime.startContainer(running);
    const runtime = await made.restart();
    t.match(runtime.containerStatus(running), { state: "running", pid });
    t.equal((await execText(runtime, running, ["true"])).code, 0);
    await runtime.stopContainer(running, 0);
    t.match(runtime.containerStatus(running), { state: "exited", exitCode: 137 });
    await runtime.removeSandbox(id);
  },
);

t.test(
  "the timeline of the last start outlives the daemon, and a container that starts anew replaces its own part",
  async (t) => {
    const { id } = await made.runtime.runSandbox(made.sandbox());
    const first = await made.runtime.createContainer(id, made.container("main", "exec sleep 1000"));
    await made.runtime.startContainer(first);
    const parts = (trace: readonly { readonly part: string }[]) => [...new Set(trace.map(({ part }) => part))];
    const before = made.runtime.trace(id);
    t.same(parts(before), ["sandbox", "main"]);
    t.ok(before.every(({ start, end }) => start > 0n && (end === 0n || end >= start)));
    const file = join(made.config.run, "pods", id, "trace-main.json");
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
    const runtime = await made.restart();
    t.same(runtime.trace(id), before);
    await runtime.stopContainer(first, 0);
    const second = await runtime.createContainer(id, made.container("main", "exec sleep 1000", { attempt: 1 }));
    await runtime.startContainer(second);
    t.same(parts(runtime.trace(id)), ["sandbox", "main"]);
    t.equal(runtime.trace(id).length, before.length);
    await runtime.removeSandbox(id);
  },
);
