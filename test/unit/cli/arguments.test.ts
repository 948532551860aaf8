import t from "tap";
import { duration, parseArguments, UsageError, wholeNumber } from "../../../src/cli/arguments.ts";

const TABLE = {
  namespace: { kind: "text", short: "n", default: "default", help: "" },
  stdin: { kind: "boolean", short: "i", help: "" },
  tty: { kind: "boolean", short: "t", help: "" },
  wait: { kind: "boolean", default: true, help: "" },
  tail: { kind: "text", help: "" },
  env: { kind: "list", short: "e", help: "" },
  "dry-run": { kind: "text", bare: "client", default: "none", help: "" },
} as const;

const parse = (...argv: string[]) => parseArguments(argv, TABLE);

t.test("flags may stand anywhere before --, in all of pflag's spellings", async (t) => {
  t.match((await parse("web", "-it", "-n", "a")).options, { stdin: true, tty: true, namespace: "a" });
  for (const spelling of [["-na"], ["-n=a"], ["--namespace=a"], ["--namespace", "a"]])
    t.equal((await parse(...spelling)).options.namespace, "a", spelling.join(" "));
  t.match((await parse("--wait=false", "--tail", "-1")).options, { wait: false, tail: "-1" });
  t.same((await parse("-e", "A=b=c", "--env=D=", "x")).options.env, ["A=b=c", "D="]);
  t.same((await parse("x")).options.env, []);
});

t.test("what follows -- is left alone", async (t) => {
  const parsed = await parse("web", "--", "ls", "-la", "--", "--wait=false");
  t.same(parsed.positionals, ["web"]);
  t.same(parsed.rest, ["ls", "-la", "--", "--wait=false"]);
  t.equal((await parse("web")).rest, undefined);
  t.same((await parse("web", "--")).rest, []);
});

t.test("a bare value is for --dry-run alone, and never the next word", async (t) => {
  const parsed = await parse("--dry-run", "web");
  t.equal(parsed.options["dry-run"], "client");
  t.same(parsed.positionals, ["web"]);
  t.equal((await parse("--dry-run=server")).options["dry-run"], "server");
});

t.test("unknown flags, missing and wrong values are refused, with the near one named", async (t) => {
  await t.rejects(parse("--namspace=a"), new UsageError("unknown flag: --namspace; did you mean --namespace?"));
  await t.rejects(parse("-x"), { message: /unknown shorthand flag: 'x'/ });
  await t.rejects(parse("--tail"), { message: /needs an argument/ });
  await t.rejects(parse("--wait=maybe"), { message: /true or false/ });
  await t.rejects(parse("--constructor"), { message: /unknown flag/ });
});

t.test("durations are kubectl's", async (t) => {
  for (const [text, want] of [
    ["30s", 30_000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["500ms", 500],
    ["0", 0],
    ["7", 7000],
    ["-1s", undefined],
  ] as const)
    t.equal(duration(text, "--timeout"), want, text);
  for (const text of ["", "s", "5x", "1m 3s", "soon"]) t.throws(() => duration(text, "--timeout"), UsageError, text);
  t.throws(() => wholeNumber("-3", "--tail"), UsageError);
  t.equal(wholeNumber("3", "--tail"), 3);
});
