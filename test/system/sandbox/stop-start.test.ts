import t from "tap";
import { startRuntime } from "./runtime.ts";

const made = await startRuntime("sst");
t.teardown(() => made.close());
const { runtime } = made;
const { id: pod } = await runtime.runSandbox(made.sandbox());

t.test("a container that is stopped while it starts ends, and whoever stops it does not wait for ever", async (t) => {
  for (const grace of [0, 30]) {
    const id = await runtime.createContainer(pod, made.container(`early${grace}`, "exec sleep 100000"));
    const started = runtime.startContainer(id).then(
      () => "started",
      () => "not started",
    );
    t.equal(runtime.containerStatus(id).state, "starting");
    await runtime.stopContainer(id, grace);
    t.equal(runtime.containerStatus(id).state, "exited");
    await started;
    t.equal(runtime.containerStatus(id).state, "exited", "and stays so");
    await runtime.removeContainer(id);
  }
});
