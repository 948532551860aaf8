import { readFileSync } from "node:fs";
import { constants } from "node:os";

// The fault switch of test builds (design, section 2). `PODRUN_FAULT` holds faults separated by commas, or `@FILE` for a
// file of them that is read again at every step, so that one daemon can be led through many failures:
//
//   STEP:kill            the daemon kills itself (SIGKILL) at this step
//   STEP:stop            the daemon stops itself (SIGSTOP) there, until somebody continues or kills it
//   STEP:error:ENOSPC    the step throws a system error with this code
//   plan:KIND:12:EPERM   operation 12 of a plan of this kind (sandbox, container, exec) fails with this error
//   plan:KIND:12:stop    … stops the operation's actor
//
// `STEP#2:…` and `plan:KIND#2:…`: only at the second time that the step is come to. Without a number: every time.

declare const __FAULTS__: boolean | undefined;

/** esbuild replaces the name in what ships, and this file becomes nothing; sources that Node runs as they are obey it. */
const enabled = typeof __FAULTS__ === "undefined" || __FAULTS__;

interface Fault {
  readonly name: string;
  /** The time at which it strikes, from 1; 0: always. */
  readonly time: number;
  readonly action: readonly string[];
}

const times = new Map<string, number>();

/** A named step of the daemon: does nothing, unless a test has asked for a fault here. Names: `MODULE.WHAT`. */
export function step(name: string): void {
  if (!enabled || process.env["PODRUN_FAULT"] === undefined) return;
  const [action, argument] = strike(name) ?? [];
  if (action === "kill") process.kill(process.pid, "SIGKILL");
  else if (action === "stop") process.kill(process.pid, "SIGSTOP");
  else if (action === "error") throw systemError(name, argument ?? "EIO");
}

/**
 * The fault asked for plans of a kind, for the encoder's `fault_operation` and `fault_errno` (docs/architecture.md): errno
 * 0 stops the actor. Call it once a plan, for it counts.
 */
export function planFault(kind: string): { readonly operation: number; readonly errno: number } | undefined {
  if (!enabled || process.env["PODRUN_FAULT"] === undefined) return undefined;
  const [operation, action] = strike(`plan:${kind}`) ?? [];
  if (operation === undefined || action === undefined) return undefined;
  return { operation: Number(operation), errno: action === "stop" ? 0 : errnoNumber(action) };
}

function strike(name: string): readonly string[] | undefined {
  const time = (times.get(name) ?? 0) + 1;
  times.set(name, time);
  return readFaults().find((fault) => fault.name === name && (fault.time === 0 || fault.time === time))?.action;
}

function readFaults(): Fault[] {
  const setting = process.env["PODRUN_FAULT"] ?? "";
  const text = setting.startsWith("@") ? readFileSync(setting.slice(1), "utf8") : setting;
  return text
    .split(/[,\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(parseFault);
}

function parseFault(text: string): Fault {
  const words = text.split(":");
  const name = words[0] === "plan" ? words.slice(0, 2).join(":") : (words[0] as string);
  const [bare, time] = name.split("#");
  return { name: bare as string, time: Number(time ?? 0), action: words.slice(words[0] === "plan" ? 2 : 1) };
}

function errnoNumber(code: string): number {
  const number = (constants.errno as Readonly<Record<string, number>>)[code];
  if (number === undefined) throw new Error(`PODRUN_FAULT: ${code} is not the name of a system error`);
  return number;
}

function systemError(name: string, code: string): Error {
  return Object.assign(new Error(`${code}: fault at step ${name}`), { code, errno: -errnoNumber(code), syscall: name });
}
