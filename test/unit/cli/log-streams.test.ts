import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { wholeLines } from "../../../src/cli/log-streams.ts";
import { runCommand, runningPod, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

async function joined(chunks: readonly string[], prefix: string): Promise<readonly string[]> {
  const source = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  })();
  const out: string[] = [];
  for await (const piece of wholeLines(source, Buffer.from(prefix))) out.push(piece.toString());
  return out;
}

t.test("pieces end at a line's end wherever the chunks were cut, and the last line is finished", async (t) => {
  t.same(await joined(["on", "e\ntw", "o", "\n\nrest"], ""), ["one\n", "two\n\n", "rest\n"]);
  t.same(await joined([], "x "), []);
});

t.test("every line has the prefix, an empty one too", async (t) => {
  t.same(await joined(["a\n\nb", "\n"], "[p] "), ["[p] a\n[p] \n", "[p] b\n"]);
});

t.test("logs of several containers, by selector and with prefixes", async (t) => {
  const fake = await startFake(t);
  const path = join(fake.folder, "0.log");
  writeFileSync(path, "2026-11-21T07:47:01.0Z stdout F one\n2026-11-21T07:47:02.0Z stderr F two\n");
  fake.pods.logs = { path, running: () => false, onEnd: () => () => undefined };
  fake.pods.put(runningPod("web", ["main", "side"]));
  fake.pods.put(runningPod("other", ["main"]));
  said(t, await runCommand(fake, ["logs", "web", "--all-containers", "--prefix", "--tail=1"]), {
    stdout: "[pod/web/main] two\n[pod/web/side] two\n",
    stderr: "",
  });
  said(t, await runCommand(fake, ["logs", "web", "--prefix", "--tail=1"]), { stdout: "[pod/web/main] two\n" });
  said(t, await runCommand(fake, ["logs", "web", "--limit-bytes=0", "--tail=1"]), { stdout: "two\n" });
  const all = await runCommand(fake, ["logs", "-f", "web", "--all-containers", "--prefix", "--tail=1"]);
  t.same(all.stdout.split("\n").sort(), ["", "[pod/web/main] two", "[pod/web/side] two"]);
});

t.test("flags of logs that contradict one another are refused", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web", ["a", "b", "c"]));
  for (const [words, ...argv] of [
    [/expected 'logs POD/],
    [/only a selector \(-l\) or a POD name/, "web", "-l", "app=x"],
    [/only one of -c or an inline/, "web", "a", "-c", "b"],
    [/--all-containers=true should not be specified/, "web", "-c", "a", "--all-containers"],
    [/only one of --since or --since-time/, "web", "--since=1s", "--since-time=2026-11-21T07:47:01Z"],
    [
      /follow 3 log streams, but maximum allowed concurrency is 2/,
      "web",
      "-f",
      "--all-containers",
      "--max-log-requests=2",
    ],
    [/must be greater than 0/, "web", "--max-log-requests=0"],
    [/--max-log-requests/, "web", "--max-log-requests=x"],
    [/--limit-bytes/, "web", "--limit-bytes=-1"],
  ] as const)
    said(t, await runCommand(fake, ["logs", ...argv]), { code: 1, stderr: words });
});
