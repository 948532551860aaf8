import t from "tap";
import { parseChallenges } from "../../../../src/image/registry/challenge.ts";

const cases: [string, string, unknown][] = [
  [
    "a Bearer challenge with quoted parameters",
    'Bearer realm="https://a.example/token",service="r",scope="repository:a/b:pull,push"',
    [
      {
        scheme: "bearer",
        parameters: { realm: "https://a.example/token", service: "r", scope: "repository:a/b:pull,push" },
      },
    ],
  ],
  [
    "several challenges in one header are told apart",
    'Negotiate, Basic realm="x, y", Bearer realm=https://b/t , service=s',
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "x, y" } },
      { scheme: "bearer", parameters: { realm: "https://b/t", service: "s" } },
    ],
  ],
  [
    "a token68 is no parameter",
    "Negotiate YWJj==, Basic realm=r",
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "r" } },
    ],
  ],
  [
    "escaped quotes are part of the value, white space around = is not",
    'BASIC Realm = "a \\"b\\" \\\\c"',
    [{ scheme: "basic", parameters: { realm: 'a "b" \\c' } }],
  ],
  [
    "of a parameter that comes twice the first counts",
    'Bearer realm="a", realm="b"',
    [{ scheme: "bearer", parameters: { realm: "a" } }],
  ],
  ["an empty header has no challenge", " , ,", []],
  ["parameters without a scheme are none", 'realm="a"', []],
  [
    "what cannot be read ends the list, what came before counts",
    'Basic realm="a", "???',
    [{ scheme: "basic", parameters: { realm: "a" } }],
  ],
  ["an unterminated quote is no parameter", 'Bearer realm="abc', [{ scheme: "bearer", parameters: {} }]],
];

for (const [name, header, expected] of cases) {
  t.test(`challenges: ${name}`, async (t) => {
    const found = parseChallenges(header);
    if (name.startsWith("an unterminated")) t.equal(found[0]?.parameters["realm"], undefined);
    else t.same(found, expected);
  });
}

t.test("a long header of nonsense is read in no time", async (t) => {
  t.ok(parseChallenges(`Bearer ${'a="\\'.repeat(5000)}`).length < 10_000);
});
