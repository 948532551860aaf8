import t from "tap";
import { MANIFEST_LIMIT, parseManifests } from "../../../src/spec/index.ts";
import { errorOf } from "./pods.ts";

const objects = (text: string): unknown[] => parseManifests(text, "f.yaml").map(({ object }) => object);
const refusal = (text: string | Uint8Array): string => {
  const error = errorOf(() => parseManifests(text, "f.yaml"));
  t.equal(error.code, "InvalidYaml");
  return error.message;
};

t.test("several documents come in order, empty ones left out, with the line of every field", async (t) => {
  const documents = parseManifests(
    "# first\n---\nkind: A\nlist:\n- x: 1\n- x: 2\n---\n---\n# only a comment\n---\nkind: B\n",
    "f.yaml",
  );
  t.same(
    documents.map(({ object }) => object),
    [{ kind: "A", list: [{ x: 1 }, { x: 2 }] }, { kind: "B" }],
  );
  t.same(
    documents.map(({ index }) => index),
    [0, 1],
  );
  const [first, second] = documents;
  t.equal(first!.source.file, "f.yaml");
  t.equal(first!.source.lineOf("kind"), 3);
  t.equal(first!.source.lineOf("list[1]"), 6);
  t.equal(first!.source.lineOf("list[1].x"), 6);
  t.equal(first!.source.lineOf("list[2]"), undefined);
  t.equal(second!.source.lineOf("kind"), 11);
});

t.test("an empty file has no documents", async (t) => {
  for (const text of ["", "\n\n", "# nothing\n", "---\n---\n", "null\n"]) t.same(objects(text), []);
});

t.test("JSON is read, indented with tabs too, with lines", async (t) => {
  const [document] = parseManifests('{\n\t"kind": "Pod",\n\t"a": [\n\t\t{"b": true}\n\t]\n}\n', "f.json");
  t.same(document?.object, { kind: "Pod", a: [{ b: true }] });
  t.equal(document?.source.lineOf("a[0].b"), 4);
});

t.test("a byte order mark and Windows line ends change nothing", async (t) => {
  t.same(objects("\ufeffa: 1\r\nb:\r\n  - c\r\n"), [{ a: 1, b: ["c"] }]);
  t.same(
    parseManifests(new TextEncoder().encode("\ufeffa: ü\n"), "f").map((d) => d.object),
    [{ a: "ü" }],
  );
});

t.test("a List is taken apart, and its items keep their lines", async (t) => {
  const documents = parseManifests(
    "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  metadata:\n    name: a\n- kind: Pod\n",
    "f.yaml",
  );
  t.same(
    documents.map(({ object }) => object),
    [{ kind: "Pod", metadata: { name: "a" } }, { kind: "Pod" }],
  );
  t.equal(documents[0]!.source.lineOf("metadata.name"), 6);
  t.equal(documents[1]!.source.lineOf(""), 7);
  t.equal(documents[1]!.source.lineOf("kind"), 7);
});

t.test("yes, on and off are strings; only true and false are truth values", async (t) => {
  t.same(objects("a: yes\nb: on\nc: off\nd: true\ne: False\n"), [{ a: "yes", b: "on", c: "off", d: true, e: false }]);
});

t.test("a number with a leading zero is octal, as kubectl has it", async (t) => {
  t.same(objects("a: 0644\nb: 0o644\nc: '0644'\nd: 0888\ne: 0\n"), [{ a: 420, b: 420, c: "0644", d: 888, e: 0 }]);
});

t.test("anchors, aliases and merge keys are followed; an object's own fields win", async (t) => {
  t.same(objects("a: &x {k: 1, l: 1}\nb: *x\nc:\n  <<: *x\n  k: 2\n"), [
    { a: { k: 1, l: 1 }, b: { k: 1, l: 1 }, c: { k: 2, l: 1 } },
  ]);
  t.same(objects("- &a 1\n- *a\n- &a 2\n- *a\n"), [[1, 1, 2, 2]], "the last anchor before the alias counts");
});

t.test("names of fields that look like numbers are names", async (t) => {
  t.same(objects("1: a\ntrue: b\n0x10: c\n"), [{ 1: "a", true: "b", "0x10": "c" }]);
});

t.test("a field named __proto__ is a field, not a prototype", async (t) => {
  const [object] = objects("__proto__: {polluted: true}\n") as [Record<string, unknown>];
  t.ok(Object.hasOwn(object, "__proto__"));
  t.equal(Object.getPrototypeOf(object), Object.prototype);
});

t.test("what is no YAML is refused with its line", async (t) => {
  t.match(refusal("a: b: c\n"), /^f\.yaml:1: not YAML: /);
  t.match(refusal("a: 1\nb: [1, 2\n"), /^f\.yaml:\d: not YAML: /);
  t.match(refusal("a: 'open\n"), /^f\.yaml:\d: not YAML: /);
  t.match(refusal("a: 1\n b: 2\n"), /^f\.yaml:\d: not YAML: /);
});

t.test("tabs as indentation are refused by name, with the line", async (t) => {
  t.equal(refusal("a: 1\nspec:\n\tb: 1\n"), "f.yaml:3: a tab is used as indentation; YAML allows spaces only");
  t.equal(refusal("a:\n  - b: 1\n\t  c: 2\n"), "f.yaml:3: a tab is used as indentation; YAML allows spaces only");
});

t.test("one bad document among several refuses the file and is named", async (t) => {
  const error = errorOf(() => parseManifests("a: 1\n---\nb: {\n---\nc: 3\n", "f.yaml"));
  t.match(error.message, /^f\.yaml:\d: document 2 of 3: not YAML: /);
  t.match(error.details, { file: "f.yaml", document: 2 });
});

t.test("a field given twice is refused, also in JSON, through an alias, and in a later document", async (t) => {
  t.equal(refusal("a: 1\nb: 2\na: 3\n"), 'f.yaml:3: "a" is given twice in one object');
  t.equal(refusal('{"a": 1,\n"a": 2}'), 'f.yaml:2: "a" is given twice in one object');
  t.equal(refusal("a: &k b\n*k : 1\nb: 2\n"), 'f.yaml:3: "b" is given twice in one object');
  t.equal(refusal("a: 1\n---\nb: 1\nb: 1\n"), 'f.yaml:4: document 2 of 2: "b" is given twice in one object');
});

t.test("aliases that multiply are stopped", async (t) => {
  const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 12; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(",")}]`,
    );
  t.match(refusal(lines.join("\n")), /^f\.yaml:\d+: more than 250000 values: aliases that multiply/);
});

t.test("an alias within itself, one without an anchor, and a merge of no object are refused", async (t) => {
  t.equal(refusal("a: &x\n  b: *x\n"), "f.yaml:2: an alias inside its own anchor: the value would have no end");
  t.equal(refusal("a: &x\n  <<: *x\n"), "f.yaml:2: an alias inside its own anchor: the value would have no end");
  t.equal(refusal("a: *nope\n"), "f.yaml:1: alias *nope, but no anchor &nope before it");
  t.equal(refusal("a: &x [1]\nb:\n  <<: *x\n"), 'f.yaml:3: "<<" merges objects only');
});

t.test("fifty thousand aliases in one document are read", async (t) => {
  const [list] = objects(`- &a x\n${"- *a\n".repeat(50_000)}`) as [unknown[]];
  t.equal(list.length, 50_001);
});

t.test("tags, directives and lists as names are refused", async (t) => {
  t.match(refusal("a: !foo 1\n"), /^f\.yaml:1: Unresolved tag: !foo; podrun takes plain YAML only/);
  t.match(refusal("a: !!binary aGk=\n"), /^f\.yaml:1: a value that is no text/);
  t.match(refusal("%FOO bar\n---\na: 1\n"), /^f\.yaml:1: not YAML: Unknown directive/);
  t.match(refusal("? [1]\n: x\n"), /^f\.yaml:1: a list or object is used as the name of a field/);
});

t.test("nesting without end is refused, however deep", async (t) => {
  t.match(refusal("[".repeat(200) + "]".repeat(200)), /^f\.yaml:1: nested more than 100 deep/);
  t.match(refusal("[".repeat(100_000)), /^f\.yaml:1: nested too deeply/);
  t.match(refusal('{"a":'.repeat(100_000)), /^f\.yaml:1: nested too deeply/);
});

t.test("ten megabytes are refused at once, the largest manifest is read", async (t) => {
  t.equal(refusal("a".repeat(10 * 1024 * 1024)), "f.yaml: 10.0 MiB is too big for a manifest; 3 MiB are the most");
  t.equal(refusal(new Uint8Array(MANIFEST_LIMIT + 1)), "f.yaml: 3.0 MiB is too big for a manifest; 3 MiB are the most");
  const [object] = objects(`a: ${"x".repeat(MANIFEST_LIMIT - 3)}`) as [{ a: string }];
  t.equal(object.a.length, MANIFEST_LIMIT - 3);
});

t.test("binary files are refused, whatever their bytes", async (t) => {
  t.equal(
    refusal(new Uint8Array([0x61, 0x0a, 0x7f, 0x45, 0x4c, 0x46])),
    "f.yaml:2: not a manifest: binary data (byte 0x7f)",
  );
  t.equal(refusal(new Uint8Array([0x00, 0x01])), "f.yaml:1: not a manifest: binary data (byte 0x00)");
  t.equal(refusal(new Uint8Array([0x1f, 0x8b, 0x08])), "f.yaml: not a manifest: the file is not UTF-8 text");
  t.equal(refusal("a: \u0001\n"), "f.yaml:1: not a manifest: binary data (byte 0x01)");
});
