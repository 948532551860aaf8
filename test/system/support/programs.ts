import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/**
 * The path of a program of test/system/programs/, compiled when it is older than its source; static, so that it runs in every
 * container. A machine without a compiler (the VM) uses what was built before, on the folder that it shares.
 */
export function buildProgram(name: string): string {
  const source = join(import.meta.dirname, `../programs/${name}.c`);
  const program = join(ROOT, "build/programs", name);
  if (existsSync(program) && statSync(program).mtimeMs >= statSync(source).mtimeMs) return program;
  mkdirSync(dirname(program), { recursive: true });
  const result = spawnSync("cc", ["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, source], {
    encoding: "utf8",
  });
  if (result.status === 0 || (result.error && existsSync(program))) return program;
  throw new Error(`${source} can't be compiled: ${result.error?.message ?? result.stderr}`);
}
