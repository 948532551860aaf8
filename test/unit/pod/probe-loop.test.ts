import t from "tap";
import type { Outcome } from "../../../src/pod/handlers/outcome.ts";
import { ProbeLoop } from "../../../src/pod/probes/probe-loop.ts";
import type { Probe } from "../../../src/spec/index.ts";
import { ManualTimers } from "./fixtures.ts";

const probe = { periodSeconds: 5, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 2 } as Probe;

t.test("an attempt that can't be ended fails at its timeout, and no second one is made beside it", async (t) => {
  const timers = new ManualTimers();
  const attempts: PromiseWithResolvers<Outcome>[] = [];
  const verdicts: boolean[] = [];
  const messages: string[] = [];
  const loop = new ProbeLoop({
    probe,
    timers,
    attempt: () => {
      const attempt = Promise.withResolvers<Outcome>();
      attempts.push(attempt);
      return attempt.promise;
    },
    onOutcome: ({ message }) => messages.push(message),
    onVerdict: (isGood) => verdicts.push(isGood),
  });
  t.teardown(() => loop.stop());
  loop.start(0);
  await timers.advance(14_000);
  t.equal(attempts.length, 1);
  t.match(messages, [/can't be ended/, /the attempt before/, /the attempt before/]);
  t.strictSame(verdicts, [false, false]);
  attempts[0]?.resolve({ result: "failure", message: "killed at last" });
  await timers.advance(1000);
  t.equal(attempts.length, 2, "when it has ended, probes are made again");
  attempts[1]?.resolve({ result: "success", message: "" });
  await timers.advance(0);
  t.strictSame(verdicts, [false, false, true]);
});
