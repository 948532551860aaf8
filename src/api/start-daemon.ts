// Starts the daemon in the background. It tells on an inherited pipe (descriptor PODRUN_READY_FD) when its socket answers:
// one line "ready", or one line of JSON {code, message, details} when it can't start. A daemon that finds another one
// holding the lock leaves with exit code 0 and without a word.
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, realpathSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import type { Config } from "../base/config.ts";
import { ERROR_CODES, type ErrorCode, type ErrorDetails, errnoOf, PodrunError } from "../base/errors.ts";

/** The daemon opens its database, recovers pods and binds its socket in this time, or something is badly wrong. */
const START_LIMIT_MS = 60_000;
/** When another client's daemon is just starting, its socket is tried this often. */
const RETRY_MS = 10;
/** Who held the lock may have been a reset, or have died: so often another daemon is tried. */
const RELAUNCH_MS = 2000;

const READY_FD = 3;

/** Starts a daemon (unless another one is just starting) and connects. Throws what kept it from starting. */
export async function startDaemon(
  config: Config,
  connect: () => Promise<Socket | undefined>,
  limitMillis = START_LIMIT_MS,
): Promise<Socket> {
  const deadline = performance.now() + limitMillis;
  await launch(config, limitMillis);
  let again = performance.now() + RELAUNCH_MS;
  // Normally answers at once. It does not when another client's daemon won the race and is not ready yet.
  for (;;) {
    const socket = await connect();
    if (socket !== undefined) return socket;
    const now = performance.now();
    if (now > deadline) throw notReady(config, limitMillis);
    if (now > again) {
      await launch(config, deadline - now);
      again = performance.now() + RELAUNCH_MS;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** The file of the bundled daemon: beside this one, or in the checkout's dist/. `PODRUN_DAEMON` names another. */
export function daemonPath(): string {
  const named = process.env["PODRUN_DAEMON"];
  if (named !== undefined) return named;
  const folder = dirname(realpathSync(process.argv[1] ?? "."));
  const candidates = [join(folder, "daemon.cjs"), join(folder, "../../dist/daemon.cjs")];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new PodrunError("DaemonUnreachable", `the daemon's program ${candidates[0]} is missing: run npm run build`);
}

/** Resolves when the daemon is ready or has left to another one. */
async function launch(config: Config, limitMillis: number): Promise<void> {
  const { spawn } = await import("node:child_process");
  const log = openLog(config);
  const logStart = fstatSync(log).size;
  const child = spawn(process.execPath, [daemonPath()], {
    detached: true,
    cwd: "/",
    env: daemonEnvironment(),
    stdio: ["ignore", log, log, "pipe"],
  });
  closeSync(log);
  const exited = new Promise<number | string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  const pipe = child.stdio[READY_FD] as Readable;
  // A daemon that hangs while it starts must not hang whoever called it: it goes on, its caller is told.
  const timer = setTimeout(() => {
    child.unref();
    pipe.destroy(notReady(config, limitMillis));
  }, limitMillis);
  const told = await readLine(pipe).finally(() => {
    clearTimeout(timer);
    pipe.destroy();
  });
  if (told === "ready") {
    // Not earlier: while the daemon starts, it is what keeps this process waiting.
    child.unref();
    return;
  }
  if (told?.startsWith("{")) throw startError(told);
  // The pipe was closed without a word: the daemon is leaving.
  const code = await exited;
  if (code === 0) return;
  throw new PodrunError(
    "DaemonUnreachable",
    `the podrun daemon failed to start (exit ${code}): ${lastWords(config, logStart)}`,
    { details: { exit: code } },
  );
}

const notReady = (config: Config, limitMillis: number): PodrunError =>
  new PodrunError(
    "DaemonUnreachable",
    `the podrun daemon is not ready after ${limitMillis / 1000} s; ${logPath(config)} may say why`,
  );

/** The daemon keeps this as its stdout and stderr. */
const logPath = (config: Config): string => join(config.run, "daemon.log");

function openLog(config: Config): number {
  try {
    makeFolder(config.run);
    return openSync(logPath(config), "a", 0o600);
  } catch (cause) {
    throw new PodrunError(
      "StateUnavailable",
      `cannot write the run folder ${config.run}: ${errnoOf(cause) ?? String(cause)}; the daemon needs it for its socket`,
      { cause, details: { path: config.run } },
    );
  }
}

/** With its parents. Not mkdirSync's `recursive`, which never returns below a folder like /proc, where mkdir is ENOENT. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    // Another command was quicker.
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

function lastWords(config: Config, from: number): string {
  const text = readFileSync(logPath(config)).subarray(from).toString("utf8").trim();
  if (text === "") return `it said nothing; see ${logPath(config)}`;
  const lines = text.split("\n");
  // What Node prints of an uncaught error: the error's line stands above its stack.
  return lines.findLast((line) => /^\w*Error\b/.test(line)) ?? lines.slice(-5).join("\n");
}

/** Only what a daemon should know of the caller: two callers' daemons must be the same. */
function daemonEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { PODRUN_READY_FD: String(READY_FD) };
  for (const [name, value] of Object.entries(process.env))
    if (/^(PATH|HOME|LANG|TZ|PODRUN_.*|NODE_V8_COVERAGE|(https?|no|all)_proxy)$/i.test(name)) environment[name] = value;
  environment["PODRUN_READY_FD"] = String(READY_FD);
  return environment;
}

/** The first line, without its newline; undefined at the end of the pipe. */
async function readLine(pipe: Readable): Promise<string | undefined> {
  let text = "";
  for await (const chunk of pipe) {
    text += String(chunk);
    const end = text.indexOf("\n");
    if (end !== -1) return text.slice(0, end);
  }
  return text === "" ? undefined : text;
}

function startError(line: string): PodrunError {
  const told = JSON.parse(line) as { code?: string; message?: string; details?: ErrorDetails };
  const code = ERROR_CODES.find((known) => known === told.code) ?? ("Internal" satisfies ErrorCode);
  return new PodrunError(code, `the podrun daemon failed to start: ${told.message ?? line}`, {
    details: told.details ?? {},
  });
}
