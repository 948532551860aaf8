import t from "tap";
import { isCritical } from "../../../../src/pod/eviction/critical.ts";
import { type PodUse, rankForEviction } from "../../../../src/pod/eviction/rank.ts";
import type { Pod } from "../../../../src/spec/index.ts";
import { makePod } from "../fixtures.ts";

function use(name: string, used: number | undefined, requested: number, priority?: number): PodUse {
  const pod = makePod({}, { name });
  return { pod: priority === undefined ? pod : withPriority(pod, priority), used, requested };
}

const withPriority = (pod: Pod, priority: number): Pod => ({ ...pod, spec: { ...pod.spec, priority } });

const names = (uses: readonly PodUse[]): string[] => uses.map(({ pod }) => pod.metadata.name);

t.test("who uses more than he asked for goes first, then the lower priority, then the larger excess", (t) => {
  const uses = [
    use("within", 90, 100),
    use("within-low", 10, 100, -5),
    use("above-important", 500, 100, 1000),
    use("above", 120, 100),
    use("above-more", 90, 10),
    use("above-low", 101, 100, -1),
  ];
  t.same(names(rankForEviction(uses, "memory")), [
    "above-low",
    "above-more",
    "above",
    "above-important",
    "within-low",
    "within",
  ]);
  t.end();
});

t.test("best-effort pods go before those that stay within their requests, whatever they use", (t) => {
  const uses = [use("guaranteed", 2 ** 30, 2 ** 30), use("best-effort", 1, 0), use("burstable", 2000, 1000)];
  t.same(names(rankForEviction(uses, "memory")), ["burstable", "best-effort", "guaranteed"]);
  t.end();
});

t.test("nobody asks for processes: priority tells, then their number", (t) => {
  const uses = [use("few", 3, 0), use("many", 300, 0), use("many-important", 900, 0, 7)];
  t.same(names(rankForEviction(uses, "pids")), ["many", "few", "many-important"]);
  t.end();
});

t.test("whose use is not known is feared most", (t) => {
  t.same(names(rankForEviction([use("known", 100, 0), use("unknown", undefined, 0)], "memory")), ["unknown", "known"]);
  t.end();
});

t.test("static pods and those of the system's priorities are critical", (t) => {
  const pod = makePod();
  t.notOk(isCritical(withPriority(pod, 1_999_999_999)));
  t.ok(isCritical(withPriority(pod, 2_000_000_000)));
  t.ok(isCritical({ ...pod, metadata: { ...pod.metadata, uid: "0123456789abcdef0123456789abcdef" } }));
  t.notOk(isCritical({ ...pod, metadata: { ...pod.metadata, uid: "01234567-89ab-cdef-0123-456789abcdef" } }));
  t.end();
});
