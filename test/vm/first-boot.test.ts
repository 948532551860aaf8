// A machine's first boot with podrun, under a real systemd: installed as README says, filled with pods, treated badly, and
// left to a power cut. second-boot.test.ts is the next boot of the same disk. Run by `npm run test:vm -- boot`.
import { appendFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import t from "tap";
import { isAlive, makeManifest, until } from "../system/support/podrun.ts";
import {
  apply,
  containerOf,
  isBackingOff,
  isReady,
  leaveNotes,
  pod,
  podrun,
  processesOf,
  property,
  restartsOf,
  run,
  settingsOf,
  untilActive,
  untilPod,
} from "./machine.ts";

const WEB = "web-podrun-vm";

const WEBSITE = makeManifest("web", [
  {
    name: "main",
    command: ["sh", "-c", "mkdir /www; echo hello > /www/index.html; exec httpd -f -p 80 -h /www"],
    ports: [{ containerPort: 80, hostPort: 8080 }],
    readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
  },
]);

const CLAIM = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
};

const SETTINGS = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { colour: "green" } };

/** Writes a line to its claim at each start and when it is told to leave, to the disk at once; then it leaves. */
const KEEPER = makeManifest(
  "keeper",
  [
    {
      name: "main",
      command: [
        "sh",
        "-c",
        'echo start | dd of=/data/starts oflag=append conv=notrunc,fsync 2>/dev/null; echo "colour $(cat /settings/colour)"; trap "echo told | dd of=/data/starts oflag=append conv=notrunc,fsync 2>/dev/null; exit 3" TERM; sleep 100000 & wait',
      ],
      resources: { limits: { memory: "64Mi", cpu: "500m" } },
      volumeMounts: [
        { name: "data", mountPath: "/data" },
        { name: "settings", mountPath: "/settings" },
      ],
    },
  ],
  {
    volumes: [
      { name: "data", persistentVolumeClaim: { claimName: "data" } },
      { name: "settings", configMap: { name: "settings" } },
    ],
    terminationGracePeriodSeconds: 50,
  },
);

const CRASHER = makeManifest("crasher", [{ name: "main", command: ["false"] }]);
const JOB = makeManifest("job", [{ name: "main", command: ["true"] }], { restartPolicy: "Never" });

/** As scripts/quickstart and README put podrun on a machine; Node comes with the shared tree, which is there at each boot. */
async function install(): Promise<void> {
  cpSync("/repo/dist", "/opt/podrun/dist", { recursive: true });
  symlinkSync("/repo/node_modules", "/opt/podrun/node_modules");
  const program = readFileSync("/opt/podrun/dist/podrun.cjs", "utf8");
  writeFileSync("/opt/podrun/dist/podrun.cjs", program.replace(/^#!\S+/, `#!${process.execPath}`));
  symlinkSync("/opt/podrun/dist/podrun.cjs", "/usr/local/bin/podrun");
  appendFileSync("/etc/fstab", "repo /repo virtiofs defaults 0 0\n");
  await run("cp", "/repo/systemd/podrun.service", "/repo/systemd/podrun.socket", "/etc/systemd/system/");
  mkdirSync("/etc/podrun/manifests", { recursive: true });
  writeFileSync("/etc/podrun/manifests/web.json", JSON.stringify(WEBSITE));
  await run("systemctl", "daemon-reload");
  await run("systemctl", "enable", "podrun.service");
  await run("systemctl", "enable", "--now", "podrun.socket");
}

t.test(
  "enabled as README says, the socket starts the daemon with the first command, and static pods come up",
  async (t) => {
    await install();
    t.equal(await property("podrun.service", "ActiveState"), "inactive", "nobody has asked yet");
    await podrun("get", "pods");
    await untilActive("podrun.service");
    await untilPod(WEB, isReady);
    t.equal(await (await fetch("http://127.0.0.1:8080/")).text(), "hello\n");
  },
);

t.test("pods run, one crashes again and again, one is done", async () => {
  await apply(CLAIM, SETTINGS, KEEPER, CRASHER, JOB);
  await untilPod("keeper", isReady);
  // The command ends with the container, and may be killed with it.
  await podrun("exec", "keeper", "--", "kill", "1").catch(() => undefined);
  await untilPod("keeper", (pod) => isReady(pod) && restartsOf(pod) === 1);
  await untilPod("job", ({ status }) => status.phase === "Succeeded");
  await untilPod("crasher", (pod) => isBackingOff(pod) && restartsOf(pod) >= 1);
});

t.test("a restart, a stop and a SIGKILL of the daemon leave the pods' processes alone", async (t) => {
  const pods = [await pod(WEB), await pod("keeper")];
  const before = processesOf(...pods);
  t.ok(Object.values(before).filter((pid) => pid > 0).length >= 2, "their processes are seen");

  let main = await property("podrun.service", "MainPID");
  await run("systemctl", "restart", "podrun.service");
  main = await untilActive("podrun.service", main);
  t.same(processesOf(...pods), before, "after systemctl restart");

  process.kill(Number(main), "SIGKILL");
  const next = await untilActive("podrun.service", main);
  t.notOk(isAlive(Number(main)));
  t.same(processesOf(...pods), before, "after a SIGKILL, and systemd has started another daemon");

  await run("systemctl", "stop", "podrun.service", "podrun.socket");
  t.notOk(isAlive(Number(next)));
  t.same(processesOf(...pods), before, "while there is no daemon");
  t.equal(await (await fetch("http://127.0.0.1:8080/")).text(), "hello\n", "nor does anybody miss it");

  await run("systemctl", "start", "podrun.service");
  t.same(processesOf(...pods), before, "with the daemon after it");
  for (const one of pods) t.equal(restartsOf(await pod(one.metadata.name)), restartsOf(one));
});

t.test("systemd leaves our cgroups alone when it reloads, and when units with limits come and go", async (t) => {
  const pods = [await pod(WEB), await pod("keeper")];
  const [settings, processes] = [settingsOf(...pods), processesOf(...pods)];
  t.match(Object.values(settings), [/./], "there is something to see");
  t.ok(Object.values(settings).includes(String(64 << 20)), "a memory limit among it");
  await run("systemctl", "daemon-reload");
  const limits = ["MemoryMax=64M", "CPUWeight=50", "TasksMax=20", "IOWeight=50", "AllowedCPUs=0"];
  await run("systemd-run", "--wait", "-q", ...limits.flatMap((one) => ["-p", one]), "true");
  await run("systemctl", "set-property", "--runtime", "system.slice", "CPUWeight=200");
  await run("systemctl", "daemon-reexec");
  await until(async () => (await property("podrun.service", "ActiveState")) === "active");
  t.same(settingsOf(...pods), settings);
  t.same(processesOf(...pods), processes);
});

t.test("the machine is in order, and loses its power", async (t) => {
  await untilPod("crasher", (pod) => isBackingOff(pod) && restartsOf(pod) >= 2);
  t.equal(await podrun("system", "check"), "clean: records and kernel agree");
  const names = [WEB, "keeper", "crasher", "job"];
  const restarts = await Promise.all(names.map(async (name) => [name, restartsOf(await pod(name))] as const));
  t.match(containerOf(await pod("keeper"))?.lastState?.terminated, { exitCode: 3 });
  leaveNotes({ restarts: Object.fromEntries(restarts) });
  writeFileSync("/run/vm-power-cut", "");
});
