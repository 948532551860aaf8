import { execa } from "execa";
import type { Outcome } from "./run-file.ts";

/** Runs `make -C native test` (ASan and UBSan builds). Its programs print a line `ok …` or `not ok …` a test. */
export async function runNativeTests(root: string): Promise<Outcome> {
  const start = performance.now();
  const result = await execa("make", ["-s", "-C", "native", "test"], { cwd: root, reject: false, timeout: 300_000 });
  const lines = result.stdout.split("\n");
  const failures = lines.filter((line) => line.startsWith("not ok")).map((name) => ({ name }));
  if (result.failed && failures.length === 0) failures.push({ name: result.shortMessage ?? "failed" });
  const passed = lines.filter((line) => line.startsWith("ok")).length;
  if (passed === 0 && failures.length === 0) failures.push({ name: "printed no `ok` line" });
  const seconds = (performance.now() - start) / 1000;
  return { file: "native", passed, failures, skipped: [], seconds, stderr: result.stderr, signal: undefined };
}
