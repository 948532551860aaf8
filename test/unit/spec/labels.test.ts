import t from "tap";
import { parseLabelSelector } from "../../../src/spec/index.ts";
import { errorOf } from "./pods.ts";

const web = { app: "web", tier: "front", "example.io/zone": "a" };

t.test("all terms of a selector must hold", async (t) => {
  const yes = [
    "",
    " ",
    "app=web",
    "app==web",
    "app = web",
    "app=web,tier=front",
    "app!=db",
    "other!=x",
    "app in (web,db)",
    "app in ( web , db )",
    "tier notin (back)",
    "other notin (x)",
    "app",
    "!other",
    "! other",
    "example.io/zone=a",
    "app,tier,!x",
  ];
  const no = [
    "app=db",
    "app=web,tier=back",
    "app!=web",
    "app in (db)",
    "app notin (web)",
    "!app",
    "other",
    "other=x",
    "other=",
    "App=web",
  ];
  for (const text of yes) t.equal(parseLabelSelector(text)(web), true, text);
  for (const text of no) t.equal(parseLabelSelector(text)(web), false, text);
});

t.test("an object without labels has none", async (t) => {
  t.equal(parseLabelSelector("app")(undefined), false);
  t.equal(parseLabelSelector("!app")(undefined), true);
  t.equal(parseLabelSelector("constructor")({}), false);
});

t.test("an empty value is a value", async (t) => {
  t.equal(parseLabelSelector("app=")({ app: "" }), true);
  t.equal(parseLabelSelector("app in (,a)")({ app: "" }), true);
});

t.test("a wrong selector is refused with an example", async (t) => {
  for (const text of [
    "=",
    "a=b=c",
    "a b",
    "a in web",
    "a in (b",
    "a in b)",
    "a,,b",
    "a,",
    ",a",
    "a!b",
    "!a=b",
    "a=b c",
    "a/b/c=1",
    "-a=b",
    "a=b!",
    "a>b",
    "a>1>2",
  ]) {
    const error = errorOf(() => parseLabelSelector(text));
    t.equal(error.code, "BadRequest", text);
    t.match(error.message, /^label selector ".*": .*; write for example app=web/);
  }
});
