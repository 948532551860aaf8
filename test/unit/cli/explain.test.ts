import t from "tap";
import { explain } from "../../../src/cli/explain.ts";
import { KINDS } from "../../../src/spec/kinds.ts";
import { runCommand, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

t.test("explain shows a type's fields with what podrun says of them", async (t) => {
  const container = explain("pod.spec.containers", false);
  t.match(container, /^KIND: {7}Pod\nVERSION: {4}v1\n\nFIELD: containers <\[\]Container> -required-\n/);
  t.match(container, /\n {2}image {2}<string> -required-\n/);
  t.match(container, /\n {2}imagePullPolicy {2}<string>\n {4}one of "Always", "IfNotPresent", "Never"\n/);
  t.match(
    explain("po.spec.hostname", false),
    /FIELD: hostname <string>\n\nDESCRIPTION:\n {4}the pod's name when absent/,
  );
  t.match(explain("secret.data", false), /<map\[string\]string>/);
  t.match(
    explain("pod.spec.containers.livenessProbe.httpGet", true),
    /\n {2}httpHeaders {2}<\[\]HTTPHeader>\n {4}name {2}</,
  );
  t.match(explain("pod.spec.runtimeClassName", false), /Not supported by podrun: there is one runtime/);
  t.notMatch(explain("pod.metadata", false), "managedFields", "what is dropped is no field of a manifest");
});

t.test("a field or a type that there is not is told, with the nearest", async (t) => {
  t.throws(() => explain("pod.spec.contaners", false), {
    message: 'PodSpec has no field "contaners"; did you mean "containers"?',
  });
  t.throws(() => explain("pod.spec.hostname.x", false), { message: "pod.spec.hostname has no fields" });
  t.throws(() => explain("deployment", false), { message: /couldn't find a type "deployment"/ });
});

t.test("api-resources lists every kind, and none asks a daemon", async (t) => {
  const fake = await startFake(t);
  await fake.close();
  const { stdout } = await runCommand(fake, ["api-resources"]);
  for (const { plural, kind } of KINDS) t.match(stdout, new RegExp(`^${plural} .* ${kind}$`, "m"));
  t.match(stdout, /^NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND\n/);
  t.match(stdout, /^namespaces +ns +v1 +false +Namespace$/m);
  said(t, await runCommand(fake, ["api-resources", "-o", "name"]), { stdout: /^configmaps\nevents\n/ });
  said(t, await runCommand(fake, ["explain", "pods.spec.volumes"]), { stdout: /FIELD: volumes/ });
  said(t, await runCommand(fake, ["explain"]), { code: 1, stderr: /^error: want one TYPE\.FIELD/ });
});
