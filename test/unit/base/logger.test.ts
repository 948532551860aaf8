import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { type Level, Logger } from "../../../src/base/logger.ts";

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
