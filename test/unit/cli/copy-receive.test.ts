import t from "tap";
import { staysInside } from "../../../src/cli/copy/copy-receive.ts";
import { baseName, parseFileSpec } from "../../../src/cli/copy/copy-spec.ts";

t.test("a link is made only when it stays below the destination whatever other links there are", async (t) => {
  for (const [name, target] of [
    ["l", "a"],
    ["l", "a/b"],
    ["l", "."],
    ["d/l", "../a"],
    ["d/e/l", "../../a/b"],
  ] as const)
    t.ok(staysInside(name, target), `${name} -> ${target}`);
  for (const [name, target] of [
    ["l", "/etc"],
    ["l", ".."],
    ["l", "../a"],
    ["d/l", "../../a"],
    ["d/l", "a/../b"],
    ["d/e/l", "x/../../../y"],
    ["l", "./../a"],
    ["l", ""],
    ["", "a"],
  ] as const)
    t.notOk(staysInside(name, target), `${name} -> ${target}`);
});

t.test("paths in pods are told from local ones", async (t) => {
  const at = (text: string) => parseFileSpec(text, "default");
  t.same(at("web:/tmp/a"), { namespace: "default", pod: "web", path: "/tmp/a" });
  t.same(at("tools/web:rel:ative"), { namespace: "tools", pod: "web", path: "rel:ative" });
  for (const local of ["file", "./a:b", "../a:b", "/a:b", "dir/file"])
    t.match(at(local), { pod: undefined, path: local });
  for (const bad of ["", "web:", ":path", "a/b/c:/x", "Web:/x", "-x:/y"])
    t.throws(() => at(bad), { name: "UsageError" }, bad);
});

t.test("what ends in a slash and a dot, or is a root, has no name of its own", async (t) => {
  t.same(["a/b", "a/b/", "a/.", ".", "..", "/", "a/.."].map(baseName), ["b", "b", "", "", "", "", ""]);
});
