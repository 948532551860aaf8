import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Command, CommandEntry } from "../../../src/cli/command.ts";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { splitLine } from "../../../src/cli/completion/split-line.ts";
import { readForm, slotsBehind } from "../../../src/cli/completion/usage-forms.ts";
import { bundleProgram, commandEnvironment, makePod, runCommand, runningPod, startFake } from "../api/fake.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

const isSame = (a: string, b: string): boolean => a === b;

t.test("a usage line says what may stand at each place", (t) => {
  const slots = (usage: string, name = usage.split(" ")[0] ?? "") =>
    readForm(usage, name).map(
      ({ words, stands, isRepeated }) => [...words, ...stands].join("|") + (isRepeated ? "…" : ""),
    );
  t.same(slots("get TYPE[,TYPE…] [NAME…] [flags]"), ["TYPE", "NAME…"]);
  t.same(slots("logs POD CONTAINER [flags]"), ["POD", "CONTAINER"]);
  t.same(slots("exec POD [-c CONTAINER] [flags] -- COMMAND [ARGUMENT…]"), ["POD"]);
  t.same(slots("run NAME --image=IMAGE [flags] [-- ARGUMENT…]"), ["NAME"]);
  t.same(slots("patch TYPE NAME… -p PATCH [--type=strategic|merge|json] [flags]"), ["TYPE", "NAME…"]);
  t.same(slots("label TYPE (-l SELECTOR | --all) KEY=VALUE… [KEY-…]"), ["TYPE", "KEY=VALUE…", "KEY-…"]);
  t.same(slots("port-forward (POD | pod/NAME) [LOCAL:]REMOTE… [flags]"), ["POD"]);
  t.same(slots("import (FILE | -) [IMAGE] [flags]"), ["FILE", "IMAGE"]);
  t.same(slots("top pod [NAME | -l SELECTOR] [flags]", "top pod"), ["NAME"]);
  t.same(slots("images [NAME] [flags]", "image ls"), ["NAME"]);
  t.same(slots("system check [--repair]"), ["check"]);
  t.same(slots("explain TYPE[.FIELD…] [flags]"), ["TYPE"]);
  t.end();
});

t.test("of several usage lines those count that agree with the words before", (t) => {
  const forms = [
    "create secret tls NAME",
    "create secret generic NAME",
    "create namespace NAME",
    "create -f FILE…",
  ].map((usage) => readForm(usage, "create"));
  const words = (...before: string[]) =>
    slotsBehind(forms, before, isSame).flatMap((slot) => [...slot.words, ...slot.stands]);
  t.same(words(), ["secret", "secret", "namespace"]);
  t.same(words("secret"), ["tls", "generic"]);
  t.same(words("namespace"), ["NAME"]);
  t.same(words("namespace", "x"), []);
  t.same(words("configmap"), []);
  t.end();
});

t.test("a line is taken apart as a shell takes it, up to the word that is being written", (t) => {
  t.same(splitLine("podrun get "), { words: ["podrun", "get"], current: "" });
  t.same(splitLine("podrun ge"), { words: ["podrun"], current: "ge" });
  t.same(splitLine(`podrun run "a b" c\\ d '' 'e f`), { words: ["podrun", "run", "a b", "c d", ""], current: "e f" });
  t.same(splitLine("cd /tmp && podrun get p"), { words: ["podrun", "get"], current: "p" });
  t.end();
});

/** All commands, those in groups too. */
async function everyCommand(entries: Readonly<Record<string, CommandEntry>>): Promise<readonly Command[]> {
  const loaded = await Promise.all(Object.values(entries).map(([, load]) => load()));
  const found = loaded.map((one) => ("group" in one ? everyCommand(one.group.commands) : [one.command as Command]));
  return (await Promise.all(found)).flat();
}

t.test("every flag of every command has a name for its value that the usage lines have, too", async (t) => {
  for (const { options, usage } of await everyCommand(COMMANDS))
    for (const [flag, { short, value, kind }] of Object.entries(options)) {
      if (kind === "boolean") continue;
      for (const line of usage) {
        const written = new RegExp(`(?:--${flag}[ =]|-${short} )([A-Z[][^\\s]*)`).exec(line)?.[1];
        if (written !== undefined)
          t.equal(value?.split("|")[0], written.split("|")[0]?.replace(/[\])]*$|(?<!,)…$/g, ""), `${flag} in ${line}`);
      }
    }
});

/** What `podrun __complete` answers. */
async function makeCompleter(t: Test) {
  const fake = await startFake(t);
  await fake.pods.create(runningPod("web", ["nginx", "proxy"]));
  await fake.pods.create(makePod("db"));
  await fake.pods.create(makePod("other", ["main"], "elsewhere"));
  fake.objects.ensureNamespaces(["default", "elsewhere"]);
  const ask = async (line: string) => {
    const { stdout } = await runCommand(fake, ["__complete", `podrun ${line}`]);
    const [kind, ...lines] = stdout.trimEnd().split("\n");
    return { kind, words: lines.map((one) => one.split("\t")[0] ?? "") };
  };
  return { fake, ask };
}

t.test("commands, flags, types, and the names of what there is are offered", async (t) => {
  const { ask } = await makeCompleter(t);
  const offers = async (line: string, words: readonly string[], kind = "words") =>
    t.same(await ask(line), { kind, words }, line);
  await offers("ann", ["annotate"]);
  await offers("-n elsewhere get pods ", ["other"]);
  await offers("get pods -n elsewhere o", ["other"]);
  await offers("get pods --namespace=elsewhere ", ["other"]);
  await offers("get po", ["pods"]);
  await offers("get pods ", ["web", "db"]);
  await offers("get pods web d", ["db"]);
  await offers("delete pod/w", ["pod/web"]);
  await offers("delete pod/web pod/", ["pod/web", "pod/db"]);
  await offers("wait po", ["pods"]);
  await offers("events --for po", ["pod/"], "nospace");
  await offers("events --for=pod/d", ["--for=pod/db"]);
  await offers("get nodes ", ["node"]);
  await offers("drain ", ["node"]);
  await offers("taint ", ["nodes"]);
  await offers("taint node ", ["node"]);
  await offers("get pods -n ", ["default", "elsewhere"]);
  await offers("get pods --namespace=e", ["--namespace=elsewhere"]);
  await offers("get pods -o ya", ["yaml"]);
  await offers("exec -it web -c ", ["nginx", "proxy"]);
  await offers("logs web p", ["proxy"]);
  await offers("logs web --tail", ["--tail"]);
  await offers("exec web -- ls ", []);
  await offers("cp web", ["web:"], "files");
  await offers("apply -f ", [], "files");
  await offers("image r", ["rm"]);
  await offers("system ", ["info", "check", "reset", "shutdown"]);
  await offers("help ge", ["get"]);
  await offers("completion z", ["zsh"]);
  await offers("describe nod", ["nodes"]);
  await offers("nonsense ", []);
  await offers("get nonsense ", []);
});

t.test("where no daemon runs the rest is offered, and none is started", async (t) => {
  const { fake, ask } = await makeCompleter(t);
  await fake.close();
  t.same(await ask("get pods "), { kind: "words", words: [] });
  t.same(await ask("get con"), { kind: "words", words: ["configmaps"] });
  const [daemon, started] = [join(fake.folder, "daemon.cjs"), join(fake.folder, "started")];
  writeFileSync(daemon, `require("fs").writeFileSync(${JSON.stringify(started)}, "")`);
  const asked = await runCommand(fake, ["__complete", "podrun get pods "], { env: { PODRUN_DAEMON: daemon } });
  t.match(asked, { code: 0, stdout: "words\n", stderr: "" });
  t.notOk(existsSync(started), "no daemon is started");
});

/** The line as bash gives it to a completion function, words taken apart at COMP_WORDBREAKS. */
const DRIVE = `
source <("$PODRUN" completion bash)
drive() {
  COMP_LINE=$1 COMP_POINT=\${#1}
  local spaced=\${1//=/ = }; spaced=\${spaced//:/ : }
  read -r -a COMP_WORDS <<< "$spaced"
  [[ $1 == *[[:space:]] ]] && COMP_WORDS+=("")
  COMP_WORDS[0]=$PODRUN
  COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
  local current=\${COMP_WORDS[COMP_CWORD]}
  [[ $current == [=:] ]] && current=
  _podrun podrun "$current" "\${COMP_WORDS[COMP_CWORD-1]}"
  echo "\${COMPREPLY[*]}"
}
while IFS= read -r line; do drive "$line"; done
`;

t.test("bash completes with the script that podrun prints", async (t) => {
  const { fake } = await makeCompleter(t);
  const folder = t.testdir();
  const podrun = join(folder, "podrun");
  writeFileSync(podrun, `#!/bin/sh\nexec "${process.execPath}" "${bundleProgram()}" "$@"\n`);
  chmodSync(podrun, 0o755);
  const lines: Readonly<Record<string, string>> = {
    "podrun uncor": "uncordon",
    "podrun get pods ": "web db",
    "podrun get pods --namespace=else": "elsewhere",
    "podrun get pods --namespace=": "default elsewhere",
    "podrun cp db": "db:",
    "podrun delete pod/w": "pod/web",
    "podrun apply -f ./x": "",
  };
  const { promise, resolve } = Promise.withResolvers<string>();
  const { spawn } = await import("node:child_process");
  const bash = spawn("bash", ["--norc", "-c", DRIVE], {
    env: { ...commandEnvironment(fake), PODRUN: podrun },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  bash.stdout.on("data", (chunk) => (said += chunk));
  bash.on("close", () => resolve(said));
  bash.stdin.end(
    Object.keys(lines)
      .map((line) => `${line}\n`)
      .join(""),
  );
  t.same((await promise).split("\n").slice(0, -1), Object.values(lines));
});

t.test("the scripts of the shells that are here are free of syntax errors", async (t) => {
  const fake = await startFake(t);
  const folder = t.testdir();
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout, code } = await runCommand(fake, ["completion", shell]);
    t.equal(code, 0);
    t.match(stdout, /podrun __complete|__complete/);
    writeFileSync(join(folder, shell), stdout);
    const checked = spawnSync(shell, ["-n", join(folder, shell)], { encoding: "utf8" });
    if (checked.error === undefined) t.equal(checked.stderr, "", shell);
  }
  t.match(await runCommand(fake, ["completion", "tcsh"]), { code: 1, stderr: /want one shell of: bash, zsh, fish/ });
});
