// What somebody takes away of the network that pods need comes back without a command.
import { execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ask, base, inPod, servePod } from "./support/host-ports.ts";
import { type Instance, makeManifest, startInstance, until } from "./support/podrun.ts";

const nft = (commands: string): string => execFileSync("nft", [commands]).toString();

const restored = async (podrun: Instance): Promise<readonly string[]> =>
  (await podrun.ok("events"))
    .split("\n")
    .filter((line) => line.includes("NetworkRestored"))
    .map((line) => line.replace(/^.*NetworkRestored\s+/, ""));

t.test("a table that somebody deletes or changes is made anew, and host ports answer again", async (t) => {
  const podrun = startInstance(t);
  const table = `inet ${podrun.config.table}`;
  const web = await servePod(t, podrun, "web", [{ containerPort: 80, hostPort: base }]);
  const answers = async (): Promise<boolean> => (await ask([], "tcp", "127.0.0.1", base)).startsWith("web ");
  t.ok(await answers());
  t.same(await restored(podrun), [], "its own changes are none of anybody else");

  nft(`delete table ${table}`);
  await until(answers);
  await podrun.start(makeManifest("other"));
  const other = inPod((await podrun.pod("other")).metadata.uid);
  t.match(await ask(other, "tcp", web.ip4, 80), /^web /, "pods reach one another");
  nft(`add rule ${table} forward drop`);
  await until(async () => !nft(`list chain ${table} forward`).includes("drop"));
  nft(`flush map ${table} hostport4`);
  await until(answers);

  t.equal(await podrun.findings(), "");
  const events = (await restored(podrun)).join("\n");
  t.match(events, new RegExp(`nftables table ${table} was changed by nft \\(pid \\d+\\) and is restored: `));
  t.match(events, /is missing/);
  t.match(events, /chain forward has the rules/);
  t.match(events, /map hostport4 lacks tcp \. /);
});

t.test("a client that sends by UDP while the table is gone is led to the pod again", async (t) => {
  const podrun = startInstance(t);
  const hostPort = base + 1;
  await servePod(t, podrun, "web", [{ containerPort: 80, hostPort, protocol: "UDP" }]);
  const socket = createSocket("udp4");
  t.teardown(() => socket.close());
  const answer = new Promise<string>((resolve) => socket.once("message", (data) => resolve(data.toString())));
  // The port is held and nobody reads there: nothing comes back, not even a refusal.
  socket.on("error", () => undefined);
  const send = (): void => socket.send("hello", hostPort, "127.0.0.1");
  nft(`delete table inet ${podrun.config.table}`);
  send();
  const again = setInterval(send, 20);
  t.teardown(() => clearInterval(again));
  t.match(await answer, /^web /);
});

t.test("an address of the host that is taken away comes back", async (t) => {
  const podrun = startInstance(t);
  await podrun.pods();
  const address = podrun.config.cidr4.replace(/0\/24$/, "1/32");
  const onLoopback = (): boolean => execFileSync("ip", ["addr", "show", "dev", "lo"]).toString().includes(address);
  t.ok(onLoopback());
  execFileSync("ip", ["addr", "del", address, "dev", "lo"]);
  await until(async () => onLoopback());
  t.match((await restored(podrun)).join(), /address .* of lo is gone/);
});

t.test("forwarding that is switched off comes back, and a flushed ruleset, in the daemon's own network", async (t) => {
  const podrun = startInstance(t);
  // What others on this machine need is not to be switched off: the daemon has a network of its own here.
  const daemon = spawn("unshare", ["--net", process.execPath, podrun.env["PODRUN_DAEMON"] ?? ""], {
    env: podrun.env,
    stdio: "ignore",
  });
  await until(async () => existsSync(join(podrun.config.run, "podrun.sock")));
  await podrun.pods();
  const inside = (...command: readonly string[]): string =>
    execFileSync("nsenter", ["-t", String(daemon.pid), "-n", ...command]).toString();
  const setting = "/proc/sys/net/ipv4/ip_forward";
  t.equal(inside("cat", setting), "1\n");
  inside("sh", "-c", `echo 0 > ${setting}`);
  await until(async () => inside("cat", setting) === "1\n");
  inside("nft", "flush ruleset");
  await until(async () => inside("nft", "list tables").includes(podrun.config.table));
  const events = (await restored(podrun)).join();
  t.match(events, /net\/ipv4\/ip_forward is not 1/);
  t.match(events, /by nft \(pid \d+\) and is restored: .* is missing/);
});
