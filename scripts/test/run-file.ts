import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { Parser, type Result } from "tap-parser";

/** What went wrong: the sentence that turned out false, and what is known about it. */
export interface Failure {
  readonly name: string;
  readonly details?: unknown;
}

/** The outcome of one test file. */
export interface Outcome {
  readonly file: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly skipped: readonly string[];
  readonly seconds: number;
  /** What it wrote to stderr. */
  readonly stderr: string;
  /** The signal that ended it, if one did. */
  readonly signal: string | undefined;
}

/** An emulated machine is slower: PODRUN_TEST_SLOWNESS multiplies every timeout. */
const SLOWNESS = Number(process.env["PODRUN_TEST_SLOWNESS"] ?? 1);

/** So long the output of a test that has ended may go on: what it started may outlive it, and would be waited for without end. */
const OUTPUT_SECONDS = 10;

const running = new Set<ChildProcess>();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(130);
  });
}

/** Assertions proper, at any depth: a subtest's own closing line says nothing new. */
function collectAssertions(parser: Parser, onAssertion: (result: Result) => void): void {
  parser.on("assert", (result: Result) => {
    if (!result.closingTestPoint) onAssertion(result);
  });
  parser.on("child", (child: Parser) => collectAssertions(child, onAssertion));
}

const reason = (result: Result): string =>
  typeof result.skip === "string" ? result.skip : typeof result.todo === "string" ? result.todo : "no reason given";

/** Runs one command that prints TAP, and counts. It fails too when it ends badly, says nothing, or takes too long. */
export async function runTap(
  file: string,
  command: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly timeoutSeconds: number },
): Promise<Outcome> {
  const start = performance.now();
  const limit = options.timeoutSeconds * SLOWNESS;
  let passed = 0;
  const failures: Failure[] = [];
  const skipped: string[] = [];
  const parser = new Parser();
  collectAssertions(parser, (result) => {
    if (result.skip || result.todo) skipped.push(`${result.fullname}: ${reason(result)}`);
    else if (result.ok) passed++;
    else failures.push({ name: result.fullname, details: result.diag });
  });

  const child = spawn(command[0], command.slice(1), {
    cwd: options.cwd,
    stdio: ["ignore", "pipe", "pipe"],
    // tap gives up a little sooner, for it can say which test hangs, and tidies up.
    // Node keeps what it has compiled: tap's modules are most of a short test's work.
    env: {
      NODE_COMPILE_CACHE: join(options.cwd, "build/compile-cache"),
      ...process.env,
      TAP_TIMEOUT: String(limit - 20),
    },
  });
  running.add(child);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdout.pipe(parser);
  const timer = setTimeout(() => child.kill("SIGKILL"), limit * 1000);
  child.once("exit", () => {
    const waiting = setTimeout(() => {
      failures.push({ name: "left a process behind, which holds its output open" });
      child.stdout.destroy();
      child.stderr.destroy();
    }, OUTPUT_SECONDS * 1000);
    child.once("close", () => clearTimeout(waiting));
  });
  const ended = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  clearTimeout(timer);
  running.delete(child);

  const seconds = (performance.now() - start) / 1000;
  if (seconds >= limit) failures.push({ name: `did not end within ${limit} s` });
  else if (ended !== "exit code 0" && failures.length === 0) failures.push({ name: `ended with ${ended}` });
  else if (passed + failures.length + skipped.length === 0) failures.push({ name: "made no assertion" });
  const signal = ended.startsWith("SIG") ? ended : undefined;
  return { file, passed, failures, skipped, seconds, stderr, signal };
}

/** Signals that a program gets for what its own instructions do. */
const CRASHES = ["SIGSEGV", "SIGILL", "SIGTRAP", "SIGBUS", "SIGABRT"];

/**
 * Runs one test file with the Node that runs this: Node 24 takes TypeScript as it is. On an emulated machine Node itself
 * crashes now and then (scripts/vm/run); that says nothing of the test, which then runs once more. On one thread because it
 * may else never exit (scripts/build/bundle.ts).
 */
export async function runTestFile(root: string, file: string, timeoutSeconds: number): Promise<Outcome> {
  const run = (): Promise<Outcome> =>
    runTap(file, [process.execPath, "--single-threaded", file], { cwd: root, timeoutSeconds });
  const first = await run();
  if (SLOWNESS === 1 || first.signal === undefined || !CRASHES.includes(first.signal)) return first;
  console.log(`${file}: Node was ended by ${first.signal} under emulation; once more`);
  return run();
}
