// A daemon's runtime in a process of its own, that a test kills in the middle of its work (PODRUN_FAULT=STEP:kill).
// Arguments: label, folder and pid of the instance. It takes up what is there, makes a pod of two containers, enters it,
// stops a container and removes the pod.
import { execText, startRuntime } from "../runtime.ts";

const [label = "", folder = "", pid = ""] = process.argv.slice(2);
const fault = process.env["PODRUN_FAULT"];
delete process.env["PODRUN_FAULT"];
const made = await startRuntime(label, {}, { folder, pid: Number(pid) });
const { runtime } = made;
await runtime.recover();
if (fault !== undefined) process.env["PODRUN_FAULT"] = fault;

const { id } = await runtime.runSandbox(made.sandbox());
const [one, two] = ["one", "two"].map((name) => made.container(name, "exec sleep 100000"));
const containers = [];
for (const config of [one, two]) {
  const container = await runtime.createContainer(id, config as NonNullable<typeof config>);
  await runtime.startContainer(container);
  containers.push(container);
}
await execText(runtime, containers[0] as string, ["true"]);
await runtime.stopContainer(containers[1] as string, 0);
await runtime.removeContainer(containers[1] as string);
await runtime.removeSandbox(id);
console.log("came to the end");
process.exit(0);
