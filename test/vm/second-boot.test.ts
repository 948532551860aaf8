// The boot after first-boot.test.ts ended in a power cut. Nobody does anything but look. It ends in a shutdown in good order.
import { readdirSync, writeFileSync } from "node:fs";
import t from "tap";
import { isBackingOff, isReady, pod, podrun, readNotes, restartsOf, untilActive, untilPod } from "./machine.ts";

const WEB = "web-podrun-vm";
const { restarts } = readNotes();

t.test("the daemon comes up by itself, and with it every pod as it was", async (t) => {
  await untilActive("podrun.service");
  const web = await untilPod(WEB, isReady);
  t.equal(await (await fetch("http://127.0.0.1:8080/")).text(), "hello\n", "the static pod answers on its host port");
  t.equal(await (await fetch(`http://${web.status.podIP}/`)).text(), "hello\n", "and on its address");

  const keeper = await untilPod("keeper", isReady);
  t.equal(restartsOf(keeper), (restarts["keeper"] ?? 0) + 1, "a container that ran counts one restart more");
  const starts = await podrun("exec", "keeper", "--", "cat", "/data/starts");
  t.equal(starts, ["start", "told", "start", "start"].join("\n"), "its claim has what both boots wrote");
  t.equal(await podrun("logs", "keeper"), "colour green");

  const job = await pod("job");
  t.equal(job.status.phase, "Succeeded", "what is done is not done again");
  t.equal(restartsOf(job), 0);

  const addresses = [web, keeper].map(({ status }) => status.podIP);
  t.equal(new Set(addresses).size, 2);
});

t.test("a pod that crashes goes on with the back-off that it had", async (t) => {
  const crasher = await untilPod("crasher", isBackingOff);
  t.ok(restartsOf(crasher) >= (restarts["crasher"] ?? 0), `${restartsOf(crasher)} restarts`);
  const message = crasher.status.containerStatuses?.[0]?.state?.waiting?.message ?? "";
  t.match(message, /back-off (20|40|80|160)s/);
});

t.test("nothing of the first boot is left", async (t) => {
  t.equal(await podrun("system", "check"), "clean: records and kernel agree");
  const links = readdirSync("/sys/class/net").filter((name) => /^pr[0-9a-f]+$/.test(name));
  t.equal(links.length, 3, `one for each pod that is not over: ${links}`);
  writeFileSync("/run/vm-shut-down", "");
});
