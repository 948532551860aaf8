import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { type Level, Logger, turnOver } from "../../../src/base/logger.ts";

function recorder(level?: Level) {
  const lines: string[] = [];
  return { lines, logger: new Logger({ ...(level && { level }), write: (line) => void lines.push(line) }) };
}

t.test("a record is one line with time, level, text and fields", async (t) => {
  const { lines, logger } = recorder();
  logger.with({ pod: "web" }).info("started", { took: 12, why: "a b", none: undefined });
  t.match(lines, [/^\d{4}-\d\d-\d\dT[\d:.]+Z info started pod=web took=12 why="a b"\n$/]);
});

t.test("records below the level are not written", async (t) => {
  const { lines, logger } = recorder("warn");
  logger.debug("a");
  logger.info("b");
  logger.warn("c");
  logger.error("d");
  t.match(lines, [/ warn c\n/, / error d\n/]);
  t.equal(lines.length, 2);
});

t.test("text from outside cannot forge a record or reach the terminal", async (t) => {
  const { lines, logger } = recorder();
  logger.info("x\n2026-01-01T00:00:00Z error forged\u001b[2J", { key: "a\nb\u009b" });
  t.equal(lines.join("").split("\n").length, 2);
  t.notMatch(lines.join(""), /[\u001b\u009b]/);
});

t.test("a failure has its code, and its causes at level debug only", async (t) => {
  const error = new PodrunError("Internal", "outer", { cause: new Error("inner") });
  const [plain, debug] = [recorder(), recorder("debug")];
  plain.logger.failure("pod web", error);
  debug.logger.failure("pod web", error);
  t.match(plain.lines[0], /error pod web: outer code=Internal\n$/);
  t.match(debug.lines[0], /caused by: Error: inner/);
});

t.test("a file that has grown too long is emptied, and one of its size is kept beside it", async (t) => {
  const path = join(t.testdir(), "daemon.log");
  const file = openSync(path, "a");
  t.teardown(() => closeSync(file));
  writeSync(file, "first\n");
  t.equal(turnOver(file, 6), 6);
  t.equal(readFileSync(path, "utf8"), "first\n");
  writeSync(file, "x");
  t.equal(turnOver(file, 6), 0);
  writeSync(file, "second\n");
  t.equal(readFileSync(path, "utf8"), "second\n");
  t.equal(readFileSync(`${path}.1`, "utf8"), "first\nx");
});

t.test("what is no file, or has no name any more, is no obstacle", async (t) => {
  const path = join(t.testdir(), "gone.log");
  const file = openSync(path, "a");
  const none = openSync("/dev/null", "a");
  t.teardown(() => [file, none].map(closeSync));
  writeSync(file, "first\n");
  rmSync(path);
  t.equal(turnOver(file, 1), 0);
  t.equal(turnOver(none, 0), 0);
  t.notOk(existsSync(`${path}.1`));
});

t.test("a full disk loses records of a process, and nothing else", async (t) => {
  const url = new URL("../../../src/base/logger.ts", import.meta.url);
  const text = `import { Logger } from "${url}"; new Logger().info("lost"); console.log("goes on");`;
  const full = openSync("/dev/full", "w");
  t.teardown(() => closeSync(full));
  const argv = ["--input-type=module", "-e", text];
  const { stdout, status } = spawnSync(process.execPath, argv, { stdio: ["ignore", "pipe", full], encoding: "utf8" });
  t.same([status, stdout], [0, "goes on\n"]);
});
