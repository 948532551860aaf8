// Holds podrun to the answers of Kubernetes' own code (`npm run oracle` records them): what is taken, what is refused and for which
// field, what defaulting makes of it.
import t from "tap";
import { makeObject, type Settings } from "./cases/case.ts";
import { GROUPS } from "./cases/index.ts";
import { compareCreation, isKnown, type Kind, type Verdict } from "./compare.ts";
import { type Deviation, ELSEWHERE, NARROWER, OTHERWISE, WIDER } from "./deviations.ts";
import { type CreateAnswer, readAnswers } from "./recorded.ts";

const KNOWN: Readonly<Record<Exclude<Kind, "agree" | "unsupported">, readonly Deviation[]>> = {
  narrower: NARROWER,
  wider: WIDER,
  otherwise: OTHERWISE,
  elsewhere: ELSEWHERE,
};

const met = new Set<Deviation>();

for (const [name, { base, cases }] of Object.entries(GROUPS))
  t.test(`${name} are taken, refused and defaulted as by Kubernetes' API server`, async (t) => {
    const answers = readAnswers<CreateAnswer>(name);
    const all: readonly Settings[] = [[], ...cases];
    t.same(
      answers.map(({ set }) => set),
      JSON.parse(JSON.stringify(all)),
      "recorded anew with npm run oracle",
    );
    const shared = answers[0]?.adds ?? [];
    const counts = new Map<Kind, number>();
    for (const [index, set] of all.entries()) {
      const raw = JSON.parse(JSON.stringify(makeObject(base, set)));
      const answer = answers[index] as CreateAnswer;
      const verdict = compareCreation(raw, index === 0 ? { ...answer, adds: [] } : answer, shared);
      counts.set(verdict.kind, (counts.get(verdict.kind) ?? 0) + 1);
      const unknown = unknownLines(verdict);
      if (unknown.length > 0)
        t.fail(`${JSON.stringify(set).slice(0, 300)}: ${verdict.kind}`, { found: unknown, answer });
    }
    t.comment([...counts].map(([kind, count]) => `${kind} ${count}`).join(", "));
  });

t.test("each known deviation is met by a case", async (t) => {
  for (const deviation of Object.values(KNOWN).flat())
    t.ok(met.has(deviation), `${deviation.because}: ${deviation.where}`);
});

function unknownLines({ kind, lines }: Verdict): readonly string[] {
  if (kind === "agree" || kind === "unsupported") return [];
  for (const deviation of KNOWN[kind]) if (lines.some((line) => deviation.where.test(line))) met.add(deviation);
  return lines.filter((line) => !isKnown(line, KNOWN[kind]));
}
