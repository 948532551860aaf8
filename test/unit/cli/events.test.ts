import t, { type Test } from "tap";
import type { KubeEvent } from "../../../src/pod/types.ts";
import { type FakeDaemon, runCommand, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

const DAY = 86_400;
let version = 0;
/** Half an hour more, so that no test is too slow for what it is to print. */
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000 - 1_800_000).toISOString();

function event(
  name: string,
  reason: string,
  more: Partial<Omit<KubeEvent, "kind">> & { namespace?: string; kind?: string } = {},
): KubeEvent {
  const { namespace = "default", kind = "Pod", ...rest } = more;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: {
      name: `${name}.${++version}`,
      namespace,
      creationTimestamp: ago(10 * DAY),
      resourceVersion: String(version),
    },
    involvedObject: { kind, namespace, name, uid: `uid-${name}` },
    reason,
    message: `${reason} of ${name}\n`,
    type: "Normal",
    source: { component: "podrun" },
    firstTimestamp: ago(10 * DAY),
    lastTimestamp: ago(4 * DAY),
    count: 1,
    ...rest,
  };
}

async function withEvents(t: Test): Promise<FakeDaemon> {
  const fake = await startFake(t);
  fake.pods.happen(event("web", "Started"));
  fake.pods.happen(event("db", "BackOff", { type: "Warning", count: 3 }));
  fake.pods.happen(event("web", "Killing", { namespace: "other" }));
  fake.pods.happen(event("machine", "InvalidManifest", { kind: "Node", type: "Warning" }));
  return fake;
}

t.test("events are listed as kubectl does, of one namespace or of all", async (t) => {
  const fake = await withEvents(t);
  said(t, await runCommand(fake, ["events"]), {
    stdout: [
      "LAST SEEN          TYPE      REASON            OBJECT         MESSAGE",
      "4d                 Normal    Started           Pod/web        Started of web",
      "4d (x3 over 10d)   Warning   BackOff           Pod/db         BackOff of db",
      "4d                 Warning   InvalidManifest   Node/machine   InvalidManifest of machine",
      "",
    ].join("\n"),
  });
  said(t, await runCommand(fake, ["events", "-n", "other", "--no-headers"]), {
    stdout: /^4d {3}Normal {3}Killing {3}Pod\/web {3}Killing of web\n$/,
  });
  said(t, await runCommand(fake, ["events", "-A"]), { stdout: /^NAMESPACE .*\n(default .*\n)+other .*Killing/ });
  said(t, await runCommand(fake, ["events", "-n", "none"]), {
    stdout: "",
    stderr: "No events found in none namespace.\n",
  });
  said(t, await runCommand(fake, ["get", "events", "--no-headers", "-n", "other"]), { stdout: /Killing of web\n$/ });
  said(t, await runCommand(fake, ["get", "ev", "-n", "none"]), { stderr: "No resources found in none namespace.\n" });
});

t.test("--for and --types narrow them, -o prints them whole", async (t) => {
  const fake = await withEvents(t);
  const run = (...argv: string[]) => runCommand(fake, ["events", "--no-headers", ...argv]);
  said(t, await run("--for", "pod/web"), { stdout: /^4d .*Started of web\n$/ });
  said(t, await run("--for=node/machine"), { stdout: /^4d .*InvalidManifest of machine\n$/ });
  said(t, await run("--types=Warning", "--for", "po/web"), { stderr: /No events found/ });
  said(t, await run("--types=warning,Normal", "--for", "po/db"), { stdout: /BackOff/ });
  said(t, await run("-o", "jsonpath={.items[*].reason}"), { stdout: "Started BackOff InvalidManifest" });
  for (const [flag, error] of [
    ["--for=web", /--for must be in resource\/name form/],
    ["--for=pod/", /--for must be in resource\/name form/],
    ["--for=thing/web", /have a resource type "thing"/],
    ["--types=Bad", /valid --types are Normal or Warning/],
    ["web", /unexpected arguments: web/],
  ] as const)
    said(t, await run(flag), { code: 1, stdout: "", stderr: error });
});

t.test("-w goes on with every event, also one that happens again", async (t) => {
  const fake = await withEvents(t);
  const watching = runCommand(fake, ["events", "-w", "--no-headers", "--for", "pod/web"]);
  const { events } = fake.pods;
  const listed = Promise.withResolvers<void>();
  let asked = 0;
  fake.pods.events = (...words) => {
    // Once for the list, once for its version: what happens from then on is for the watch.
    if (++asked === 2) setImmediate(listed.resolve);
    return events.apply(fake.pods, words);
  };
  await listed.promise;
  fake.pods.happen(event("db", "Other"));
  const again = event("web", "Again", { count: 2 });
  const written = Promise.withResolvers<void>();
  const toJSON = () => {
    setImmediate(written.resolve);
    return again;
  };
  fake.pods.happen({ ...again, toJSON } as KubeEvent, "MODIFIED");
  await written.promise;
  await fake.close();
  said(t, await watching, {
    code: 1,
    stdout: /^4d .*Started of web\n4d \(x2 over 10d\) .*Again of web\n$/,
    stderr: /the podrun daemon left/,
  });
});

t.test("get events has columns of its own, as kubectl's has, names and an order", async (t) => {
  const fake = await withEvents(t);
  const get = (...argv: string[]) => runCommand(fake, ["get", "events", ...argv]);
  said(t, await get(), {
    stdout:
      /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n4d\w* +Normal +Started +pod\/web +Started of web\n4d\w* +Warning +BackOff +pod\/db /,
  });
  said(t, await get("-o", "wide"), {
    stdout: /OBJECT +SUBOBJECT +SOURCE +MESSAGE +FIRST SEEN +COUNT +NAME\n.*\n.* 3 +db\.\d+\n/,
  });
  said(t, await get("-A", "-o", "name"), { stdout: /^event\/web\.\d+\nevent\/db\.\d+\n/ });
  said(t, await get("--sort-by=.reason", "--no-headers"), { stdout: /^.*BackOff.*\n(.*\n)*.*Started.*\n$/ });
});
