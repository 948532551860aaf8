// docs/api.md held against the server: what its table lists is answered, what the server answers is in the table.
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import t from "tap";
import { apiSocket } from "../../../src/base/config.ts";
import { KINDS } from "../../../src/spec/kinds.ts";
import { makePod, startFake } from "./fake.ts";

const ROOT = join(import.meta.dirname, "../../..");
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** What the dots of a path stand for, by the word behind them. */
const BEFORE: readonly (readonly [RegExp, string])[] = [
  [/^namespaces\/NAME/, "/api/v1/"],
  [/^v1beta1\//, "/apis/metrics.k8s.io/"],
  [/^/, "/api/v1/namespaces/NS/"],
];

/** `GET …/pods/NAME[/log][?a=b]` as paths of the API; the parts in brackets may be missing. */
function paths(text: string): readonly string[] {
  const [plain = ""] = text.replaceAll(/\[?[?&].*$/g, "").split(" ");
  const behind = plain.replace(/^…\//, "");
  const whole = plain === behind ? plain : `${BEFORE.find(([pattern]) => pattern.test(behind))?.[1]}${behind}`;
  const parts = /^(.*)\[(.*)\]$/.exec(whole);
  return parts === null ? [whole] : [parts[1] ?? "", `${parts[1]}${parts[2]}`];
}

/** `METHOD PATH` of each route in the table. A method without a path belongs to the next path of its line. */
function documented(): ReadonlySet<string> {
  const [, table = ""] = /\n\| method and path [^\n]*\n\|---[^\n]*\n(.*?)\n\n/s.exec(
    readFileSync(join(ROOT, "docs/api.md"), "utf8"),
  ) ?? [undefined];
  const found = new Set<string>();
  for (const line of table.split("\n")) {
    let methods: string[] = [];
    for (const [, code = ""] of (/^\| (.*?) \|/.exec(line)?.[1] ?? "").matchAll(/`([^`]+)`/g)) {
      const [, method, rest] = /^([A-Z]+)(?: (.*))?$/.exec(code) ?? [];
      if (method !== undefined && METHODS.includes(method)) methods.push(method);
      if (rest === undefined) continue;
      for (const path of paths(rest)) for (const one of methods) found.add(`${one} ${path}`);
      methods = [];
    }
  }
  // "PATCH of every other object by its path".
  for (const route of [...found]) if (/^PUT .*\/NAME$/.test(route)) found.add(route.replace("PUT", "PATCH"));
  return found;
}

/** Whether the server has a function for it, whatever that says. */
async function isServed(socketPath: string, method: string, path: string): Promise<boolean> {
  const url = path.replace("/NS", "/default").replace("/NAME", "/web");
  const body = method === "GET" ? "" : "{}";
  const headers = { "content-type": "application/json", "content-length": body.length };
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request({ socketPath, method, path: url, agent: false, headers }, (answer) => {
      answer
        .setEncoding("utf8")
        .toArray()
        .then((chunks) => resolve({ status: answer.statusCode ?? 0, text: chunks.join("") }), reject);
    });
    sent.on("error", reject).end(body);
  });
  // Whatever the method, exec and the like say what they need; they have it by GET alone.
  if (text.includes("needs a WebSocket")) return method === "GET";
  return status !== 405 && !text.includes("the server could not find the requested resource");
}

t.test("docs/api.md lists the methods that its paths have, and no others", async (t) => {
  const { config, pods } = await startFake(t);
  await pods.create(makePod("web"));
  const routes = documented();
  t.ok(routes.size > 50, String(routes.size));
  for (const path of new Set([...routes].map((route) => route.slice(route.indexOf(" ") + 1))))
    for (const method of METHODS.filter((one) => one !== "POST" || path !== "/podrun/v1/system/shutdown"))
      t.equal(await isServed(apiSocket(config), method, path), routes.has(`${method} ${path}`), `${method} ${path}`);
});

t.test("every path, verb and kind that the server knows is in docs/api.md", async (t) => {
  const routes = [...documented()];
  const source = ["server.ts", "images-routes.ts"]
    .map((file) => readFileSync(join(ROOT, "src/api", file), "utf8"))
    .join();
  const literals = [...source.matchAll(/^ {2}"(\/[\w/]+)":/gm)].map(([, path]) => path as string);
  const verbs = [...source.matchAll(/verb === "(\w+)"|^ {2}(\w+): serve\w+,$/gm)].map(
    ([, a, b]) => `/pods/NAME/${a ?? b}`,
  );
  const kinds = KINDS.map(({ plural }) => `/${plural}/NAME`);
  t.ok(literals.length > 10 && verbs.length >= 7, "the server's source is read as it is written");
  for (const end of [...literals, ...verbs, ...kinds])
    t.ok(
      routes.some((route) => route.endsWith(end)),
      end,
    );
});
