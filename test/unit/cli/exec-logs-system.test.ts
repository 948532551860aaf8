import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { runCommand, runningPod, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

t.test("exec passes streams and exit codes on, and says which container it chose", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web", ["one", "two"]));
  fake.pods.programs["both"] = (session) => {
    session.onStdout(Buffer.from("out\n"));
    session.onStderr(Buffer.from("err\n"));
    session.end(7);
  };
  fake.pods.programs["cat"] = (session) => {
    session.events.on("stdin", (data: Buffer) => session.onStdout(data));
    session.events.on("endStdin", () => session.end(0));
  };
  said(t, await runCommand(fake, ["exec", "web", "-c", "two", "--", "both"]), {
    code: 7,
    stdout: "out\n",
    stderr: "err\n",
  });
  t.equal(fake.pods.requests.at(-1)?.container, "two");
  said(t, await runCommand(fake, ["exec", "-i", "pod/web", "--", "cat"], { input: "typed" }), {
    stdout: "typed",
    stderr: 'Defaulted container "one" out of: one, two\n',
  });
  said(t, await runCommand(fake, ["exec", "-q", "-it", "web", "--", "cat"], { input: "x" }), {
    stdout: "x",
    stderr: "Unable to use a TTY - input is not a terminal or the right kind of file\n",
  });
  t.equal(fake.pods.requests.at(-1)?.request.tty, false);
  const big = Buffer.alloc(3_000_000, "b");
  const result = await runCommand(fake, ["exec", "-i", "web", "-c", "one", "--", "cat"], { input: big });
  t.equal(result.stdout.length, big.length);
});

t.test("exec's refusals: no command, a missing one is 127, a missing pod 1", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web"));
  said(t, await runCommand(fake, ["exec", "web"]), { code: 1, stderr: /must specify at least one command/ });
  said(t, await runCommand(fake, ["exec", "web", "ls"]), {
    code: 1,
    stderr: /Use exec \[POD\] -- \[COMMAND\] instead/,
  });
  said(t, await runCommand(fake, ["exec", "web", "--", "nonesuch"]), {
    code: 127,
    stderr: /^Error from server .*nonesuch/,
  });
  said(t, await runCommand(fake, ["exec", "gone", "--", "ls"]), {
    code: 1,
    stderr: 'Error from server (NotFound): pods "gone" not found\n',
  });
});

t.test("logs prints the file's text, with its flags", async (t) => {
  const fake = await startFake(t);
  const path = join(fake.folder, "0.log");
  writeFileSync(path, "2026-11-21T07:47:01.0Z stdout F one\n2026-11-21T07:47:02.0Z stderr F two\n");
  fake.pods.logs = { path, running: () => false, onEnd: () => () => undefined };
  fake.pods.put(runningPod("web"));
  said(t, await runCommand(fake, ["logs", "web"]), { stdout: "one\ntwo\n", stderr: "" });
  said(t, await runCommand(fake, ["logs", "-f", "--tail=1", "--timestamps", "web", "main"]), {
    stdout: "2026-11-21T07:47:02.0Z two\n",
  });
  said(t, await runCommand(fake, ["logs", "gone"]), { code: 1, stderr: /NotFound/ });
  said(t, await runCommand(fake, ["logs", "web", "--tail=x"]), { code: 1, stderr: /--tail/ });
});

t.test("system info and check print for people and for programs; findings are exit code 1", async (t) => {
  const fake = await startFake(t);
  t.equal(JSON.parse((await runCommand(fake, ["system", "info", "-o", "json"])).stdout).daemon.pid, 1);
  said(t, await runCommand(fake, ["system", "info"]), { stdout: /\ndaemon:\n {2}pid: +1\n/ });
  said(t, await runCommand(fake, ["system", "check"]), { stdout: "clean: records and kernel agree\n" });
  fake.system.findings = [{ kind: "link", object: "pr01", message: "belongs to no pod" }];
  said(t, await runCommand(fake, ["system", "check"]), { code: 1, stdout: /^link pr01: belongs to no pod\n1 found/ });
  said(t, await runCommand(fake, ["system", "check", "--repair"]), {
    stdout: "link pr01: belongs to no pod (mended)\n",
  });
  said(t, await runCommand(fake, ["system", "reset"]), { code: 1, stderr: /--yes/ });
  said(t, await runCommand(fake, ["system", "chekc"]), { code: 1, stderr: /want one of/ });
});

t.test("system reset --yes runs the daemon's reset, whether a daemon runs or not", async (t) => {
  const fake = await startFake(t);
  const program = join(fake.folder, "daemon.cjs");
  writeFileSync(program, 'console.log("reset by", process.argv[2]); process.exit(3);');
  const env = { PODRUN_DAEMON: program };
  said(t, await runCommand(fake, ["system", "reset", "--yes"], { env }), { code: 3, stdout: "reset by reset\n" });
  t.equal(fake.system.shutdowns, 1);
  await fake.close();
  said(t, await runCommand(fake, ["system", "reset", "--yes"], { env }), { code: 3, stdout: "reset by reset\n" });
});

t.test("version names both ends, and does not start a daemon", async (t) => {
  const fake = await startFake(t);
  said(t, await runCommand(fake, ["version"]), { stdout: /^Client Version: v\d.*\nServer Version: v0\.0\.1\n$/ });
  await fake.close();
  said(t, await runCommand(fake, ["version"]), { stdout: /no daemon is running\n$/ });
  said(t, await runCommand(fake, ["version", "--client", "-o", "json"]), { stdout: /"gitVersion": "v/ });
});

t.test("help names every command, and every command has examples and flags", async (t) => {
  const fake = await startFake(t);
  const overview = await runCommand(fake, []);
  said(t, overview, { stdout: /^podrun runs Kubernetes pods/ });
  t.equal((await runCommand(fake, ["--help"])).stdout, overview.stdout);
  for (const [, name = ""] of overview.stdout.matchAll(/^ {2}([a-z-]+) {2,}/gm)) {
    // A word with commands of its own: their help is that of commands.
    if (["image", "set", "top"].includes(name)) continue;
    said(t, await runCommand(fake, [name, "--help"]), {
      stdout: new RegExp(`Usage:\\n {2}podrun ${name}[\\s\\S]*Examples:\\n[\\s\\S]*--namespace`),
    });
  }
});

t.test("an unknown command is refused with the nearest one; --debug shows the causes", async (t) => {
  const fake = await startFake(t);
  said(t, await runCommand(fake, ["appyl"]), {
    code: 1,
    stderr: 'error: unknown command "appyl"; did you mean "apply"?\nSee \'podrun --help\' for usage.\n',
  });
  said(t, await runCommand(fake, ["get", "pod", "gone", "--debug"]), { code: 1, stderr: /NotFound/ });
  said(t, await runCommand(fake, ["-n", "x", "get", "pods"]), { stderr: "No resources found in x namespace.\n" });
  await fake.close();
  const dead = await runCommand(fake, ["get", "pods", "--debug"]);
  said(t, dead, { code: 1, stderr: /^error: .*no-daemon\.cjs[\s\S]*code: DaemonUnreachable/ });
});

t.test("a word of docker's or kubectl's is answered with what does it here", async (t) => {
  const fake = await startFake(t);
  const see = "\nSee 'podrun --help' for usage.\n";
  said(t, await runCommand(fake, ["ps"]), {
    code: 1,
    stderr: `error: unknown command "ps"; here it is podrun get pods${see}`,
  });
  said(t, await runCommand(fake, ["expose", "pod"]), { code: 1, stderr: /here it is hostPort in the manifest/ });
  said(t, await runCommand(fake, ["constructor"]), { code: 1, stderr: `error: unknown command "constructor"${see}` });
  said(t, await runCommand(fake, ["image", "rmi"]), {
    code: 1,
    stderr: `error: unknown command "image rmi"; here it is podrun image rm\nSee 'podrun image --help' for usage.\n`,
  });
});

t.test("a mistake points to the help of the command that it is in", async (t) => {
  const fake = await startFake(t);
  const cases: readonly (readonly [words: readonly string[], stderr: string])[] = [
    [
      ["image", "inspect", "x", "-x"],
      "error: unknown shorthand flag: 'x'\nSee 'podrun image inspect --help' for usage.\n",
    ],
    [
      ["get", "pods", "--format", "json"],
      "error: unknown flag: --format; there is -o FORMAT\nSee 'podrun get --help' for usage.\n",
    ],
    [["top"], "error: want one of: top pod"],
    [["--nosuch"], "error: unknown flag: --nosuch\nSee 'podrun --help' for usage.\n"],
    [["-x"], "error: unknown shorthand flag: 'x'\nSee 'podrun --help' for usage.\n"],
  ];
  for (const [words, stderr] of cases) {
    const result = await runCommand(fake, words);
    t.equal(result.code, 1);
    t.ok(result.stderr.startsWith(stderr), `${words.join(" ")}: ${result.stderr}`);
  }
  said(t, await runCommand(fake, ["-v"]), { stdout: /^Client Version: v/ });
});

t.test("a reader that leaves early is no error to be shown", async (t) => {
  const fake = await startFake(t);
  for (let index = 0; index < 300; index++) fake.pods.put(runningPod(`web-${index}`));
  const result = await runCommand(fake, ["get", "pods", "-o", "yaml"], {
    onChild: (child) => child.stdout?.once("data", () => child.stdout?.destroy()),
  });
  t.equal(result.stderr, "");
});

t.test("who is not root is told so before anything else", async (t) => {
  const fake = await startFake(t);
  const { spawnSync } = await import("node:child_process");
  // The sources may be where only root can read: the user changes when they are loaded.
  const check = `
    const { connectDaemon } = await import(${JSON.stringify(join(import.meta.dirname, "../../../src/api/connect.ts"))});
    process.setuid(65534);
    await connectDaemon({ run: ${JSON.stringify(fake.config.run)} }).catch((error) => console.log(error.code, error.message));`;
  const { stdout } = spawnSync(process.execPath, ["--no-warnings", "--input-type=module", "-e", check], {
    encoding: "utf8",
  });
  t.match(stdout, /^NotRoot podrun must run as root, and this is user 65534/);
});
