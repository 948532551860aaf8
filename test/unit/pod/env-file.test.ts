// The format of env files (KEP-3721): what a shell would read otherwise is refused.
import { spawnSync } from "node:child_process";
import t from "tap";
import { findVariable } from "../../../src/pod/env-file.ts";

const find = (text: string, key = "A"): string | undefined => findVariable(text, key, "x.env");

t.test("a value is what stands in single quotes, as a shell reads it", async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ["A='x'", "x"],
    ["  \tA='x'\n", "x"],
    ["# A='no'\n\n   # more\nB='y'\nA='x'", "x"],
    ["A=''\n", ""],
    ["A='  x  '   \n", "  x  "],
    ["A='x' # why\n", "x"],
    ["A='a=b=c'", "a=b=c"],
    ["A='$HOME ${B} `c` \"d\" # e \\n'", '$HOME ${B} `c` "d" # e \\n'],
    ["B='one\nA=\"no\"\n'\nA='x\n\n  # y\n'\n", "x\n\n  # y\n"],
    ["A='gr\u00fc\u00df \u{1f30d}'", "gr\u00fc\u00df \u{1f30d}"],
  ];
  for (const [text, value] of cases) {
    t.equal(find(text), value, JSON.stringify(text));
    const shell = spawnSync("sh", ["-c", 'eval "$0"; printf %s "$A"', text], { encoding: "utf8" });
    t.equal(shell.stdout, value, `sh: ${JSON.stringify(text)}`);
  }
  t.equal(find("B='x'"), undefined);
  t.equal(find(""), undefined);
  t.equal(find("A='1'\nA='2'"), "1", "the first one counts");
  t.equal(find("A='1'\nwrong"), "1", "what comes behind it is not looked at");
  t.equal(find("A='x'\r\nB='y\r\nz'\r\n", "B"), "y\nz");
  t.equal(find("B= 'nothing'\nA='x'#why"), "x", "as the kubelet has it");
});

t.test("anything else is refused with its line, and no value is shown", async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["A=secret", /line 1: the value must be in single quotes/],
    ["B='x'\nA=\"secret\"", /line 2: the value must be in single quotes/],
    ["A= 'secret'", /line 1: the value must be in single quotes/],
    ["A ='secret'", /line 1: a space before "="/],
    ["B='1\n2\n3'\n\nexport\n", /line 5: no "="/],
    ["='secret'", /line 1: no name before "="/],
    ["A='secret", /line 1: the value's quote is not closed/],
    ["A='secret''secret'", /line 1: something behind the closing quote/],
    ["A='secret'$B", /line 1: something behind the closing quote/],
    ["A='sec\0ret'", /line 1: A has a NUL byte/],
  ];
  for (const [text, message] of cases) {
    const words = t.throws(() => find(text), { code: "InvalidObject", message }, JSON.stringify(text)) as Error;
    t.notMatch(words.message, /secret/);
  }
});
