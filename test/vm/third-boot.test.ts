// The boot after second-boot.test.ts ended in a shutdown in good order.
import t from "tap";
import { isReady, podrun, readNotes, restartsOf, untilActive, untilPod } from "./machine.ts";

const { restarts } = readNotes();

t.test("pods were asked to end before the machine went down, and are there again", async (t) => {
  await untilActive("podrun.service");
  const keeper = await untilPod("keeper", isReady);
  const starts = await podrun("exec", "keeper", "--", "cat", "/data/starts");
  t.equal(
    starts,
    ["start", "told", "start", "start", "told", "start"].join("\n"),
    "told once a shutdown, not at a power cut",
  );
  t.equal(restartsOf(keeper), (restarts["keeper"] ?? 0) + 2);
  await untilPod("web-podrun-vm", isReady);
  t.equal(await podrun("system", "check"), "clean: records and kernel agree");
});
