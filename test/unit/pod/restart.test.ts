import t from "tap";
import { formatDelay, RestartBackoff, shouldRestart } from "../../../src/pod/restart.ts";

const MINUTE = 60_000;

t.test("Always restarts whatever the exit code was, OnFailure only failures, Never nothing", async (t) => {
  t.same(
    [0, 1].map((code) => shouldRestart("Always", code)),
    [true, true],
  );
  t.same(
    [0, 1, 137].map((code) => shouldRestart("OnFailure", code)),
    [false, true, true],
  );
  t.same(
    [0, 1].map((code) => shouldRestart("Never", code)),
    [false, false],
  );
});

t.test("the first restart is immediate, then the wait is 10 s and doubles up to 5 min", async (t) => {
  const backoff = new RestartBackoff();
  const waits: number[] = [];
  let now = 0;
  for (let run = 0; run < 8; run++) {
    now += 100; // the container lives a tenth of a second
    const wait = backoff.remaining(now, now);
    waits.push(wait / 1000);
    backoff.restarted(now, now + wait);
    now += wait;
  }
  t.same(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
});

t.test("the wait counts from the end of the run, not from when somebody asks", async (t) => {
  const backoff = new RestartBackoff();
  backoff.restarted(0, 0);
  t.equal(backoff.remaining(1000, 4000), 7000);
  t.equal(backoff.remaining(1000, 20_000), 0);
});

t.test("a run of more than ten minutes makes the back-off start anew", async (t) => {
  const backoff = new RestartBackoff();
  backoff.restarted(0, 0);
  backoff.restarted(0, 0);
  t.equal(backoff.remaining(10 * MINUTE, 10 * MINUTE), 20_000, "ten minutes are not enough");
  const finished = 10 * MINUTE + 1;
  t.equal(backoff.remaining(finished, finished), 0);
  backoff.restarted(finished, finished);
  t.equal(backoff.remaining(finished, finished), 10_000);
});

t.test("the node's settings change the first and the longest wait", async (t) => {
  const backoff = new RestartBackoff({ initialMillis: 50, maxMillis: 80 });
  backoff.restarted(0, 0);
  t.equal(backoff.remaining(0, 0), 50);
  backoff.restarted(0, 0);
  t.equal(backoff.remaining(0, 0), 80);
});

t.test("delays read as Go prints durations", async (t) => {
  t.same([50, 10_000, 80_000, 300_000].map(formatDelay), ["50ms", "10s", "1m20s", "5m0s"]);
});
