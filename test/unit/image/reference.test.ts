import t from "tap";
import { normalizeReference } from "../../../src/image/reference.ts";

const sha = `sha256:${"a".repeat(64)}`;

t.test("names are completed as Docker does", async (t) => {
  for (const [text, wanted] of [
    ["nginx", "docker.io/library/nginx:latest"],
    ["nginx:1.27", "docker.io/library/nginx:1.27"],
    ["team/app", "docker.io/team/app:latest"],
    ["podrun.local/base", "podrun.local/base:latest"],
    ["localhost/app", "localhost/app:latest"],
    ["host:5000/app", "host:5000/app:latest"],
    ["host:5000/app:2", "host:5000/app:2"],
    ["[::1]:5000/app", "[::1]:5000/app:latest"],
    ["docker.io/nginx", "docker.io/library/nginx:latest"],
    ["index.docker.io/nginx", "docker.io/library/nginx:latest"],
    [`nginx@${sha}`, `docker.io/library/nginx@${sha}`],
    [`nginx:1@${sha}`, `docker.io/library/nginx:1@${sha}`],
    ["Blocked.Example:5000/app", "blocked.example:5000/app:latest"],
    ["LOCALHOST/app", "localhost/app:latest"],
    ["Index.Docker.IO/nginx", "docker.io/library/nginx:latest"],
    ["Team/app", "Team/app:latest"],
    ["a__b/c-d.e--f", "docker.io/a__b/c-d.e--f:latest"],
  ] as const) {
    t.equal(normalizeReference(text), wanted);
    t.equal(normalizeReference(wanted), wanted, "and stay as they are");
  }
});

t.test("what is no name is refused and quoted", async (t) => {
  const bad = [
    "",
    "Nginx",
    "nginx:",
    "nginx:a b",
    "nginx@sha256:12",
    "nginx@md5:aa",
    "a//b",
    "/a",
    "a/",
    "../etc",
    "a..b",
    "-a",
    "host:5000",
    "a@b@c",
    "a\n",
    `a:${"t".repeat(129)}`,
    `${"a".repeat(256)}`,
    "https://host/app",
  ];
  for (const text of bad.filter((text) => text !== "host:5000")) {
    t.throws(
      () => normalizeReference(text),
      { code: "InvalidImage", message: `image "${text.trim()}": ` },
      JSON.stringify(text),
    );
  }
});

t.test("a name with a transport in front is told without it", (t) => {
  for (const front of ["https://", "docker://", "containers-storage://"])
    t.throws(() => normalizeReference(`${front}host/app:1`), { message: `no "${front}" in front: write host/app:1` });
  t.equal(normalizeReference("localhost:5000/app"), "localhost:5000/app:latest");
  t.end();
});
