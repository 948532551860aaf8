import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parseReference } from "../../../../src/image/reference.ts";
import { createRegistriesReader } from "../../../../src/image/registry/registries-conf.ts";
import { type TestPlace, testPlace } from "./place.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const MAIN = "etc/containers/registries.conf";

async function endpointsOf(place: TestPlace, image: string): Promise<readonly string[]> {
  const conf = await createRegistriesReader(place)();
  return conf
    .endpoints(parseReference(image))
    .map(
      ({ host, repository, insecure, mirror }) =>
        `${host}/${repository}${insecure ? " insecure" : ""}${mirror ? " mirror" : ""}`,
    );
}

t.test("an image is looked for where containers-registries.conf(5) says", async (t) => {
  const place = testPlace(t, {
    [MAIN]: `
      unqualified-search-registries = ["example.com"]
      [[registry]]
      prefix = "example.com/foo"
      location = "internal.example.net/bar"
      [[registry.mirror]]
      location = "mirror-0.local/mirror-for-foo"
      [[registry.mirror]]
      location = "mirror-1.local/mirrors/foo/"
      insecure = true
      [[registry]]
      location = "registry.com"
      [[registry.mirror]]
      location = "mirror.registry.com"
      [[registry]]
      prefix = "example.com/foo/deep"
      location = "deep.example.net:5000"
      insecure = true
      [[registry]]
      prefix = "*.wild.com"
      insecure = true
      [[registry]]
      prefix = "*.mapped.com"
      location = "all.example.net/mapped"
      [[registry]]
      prefix = "docker.io/library"
      location = "hub.example.net/hub"
      [[registry]]
      prefix = "tags.com/one:v1"
      location = "first.tags.com/one:v1"
      [[registry]]
      prefix = "digests.com"
      location = "digests.com"
      mirror-by-digest-only = true
      [[registry.mirror]]
      location = "mirror.digests.com"
      [[registry]]
      location = "kinds.com"
      [[registry.mirror]]
      location = "all.com"
      pull-from-mirror = "all"
      [[registry.mirror]]
      location = "by-digest.com"
      pull-from-mirror = "digest-only"
      [[registry.mirror]]
      location = "by-tag.com"
      pull-from-mirror = "tag-only"
      [[registry]]
      prefix = "to-hub.com"
      location = "docker.io"`,
  });
  const cases: readonly (readonly [string, readonly string[]])[] = [
    [
      "example.com/foo/image:1",
      [
        "mirror-0.local/mirror-for-foo/image mirror",
        "mirror-1.local/mirrors/foo/image insecure mirror",
        "internal.example.net/bar/image",
      ],
    ],
    [
      "example.com/foo",
      [
        "mirror-0.local/mirror-for-foo mirror",
        "mirror-1.local/mirrors/foo insecure mirror",
        "internal.example.net/bar",
      ],
    ],
    ["example.com/foobar/image", ["example.com/foobar/image"]],
    ["example.com/fo", ["example.com/fo"]],
    ["example.com/foo/deep/image", ["deep.example.net:5000/image insecure"]],
    ["registry.com/image", ["mirror.registry.com/image mirror", "registry.com/image"]],
    ["registry.com:5000/image", ["mirror.registry.com:5000/image mirror", "registry.com:5000/image"]],
    ["registry.com.evil/image", ["registry.com.evil/image"]],
    ["a.wild.com/image", ["a.wild.com/image insecure"]],
    ["a.b.wild.com:5000/image", ["a.b.wild.com:5000/image insecure"]],
    ["wild.com/image", ["wild.com/image"]],
    ["a.wild.com.evil/image", ["a.wild.com.evil/image"]],
    ["evil.com/x.wild.com", ["evil.com/x.wild.com"]],
    ["a.mapped.com/x/y", ["all.example.net/mapped/x/y"]],
    ["nginx", ["hub.example.net/hub/nginx"]],
    ["user/nginx", ["docker.io/user/nginx"]],
    ["tags.com/one:v1", ["first.tags.com/one"]],
    ["tags.com/one:v10", ["tags.com/one"]],
    ["tags.com/one:v2", ["tags.com/one"]],
    ["digests.com/x:1", ["digests.com/x"]],
    [`digests.com/x@${DIGEST}`, ["mirror.digests.com/x mirror", "digests.com/x"]],
    ["kinds.com/x:1", ["all.com/x mirror", "by-tag.com/x mirror", "kinds.com/x"]],
    [`kinds.com/x:1@${DIGEST}`, ["all.com/x mirror", "by-digest.com/x mirror", "kinds.com/x"]],
    ["to-hub.com/nginx", ["docker.io/library/nginx"]],
    ["other.com/x", ["other.com/x"]],
  ];
  for (const [image, expected] of cases) t.strictSame(await endpointsOf(place, image), expected, image);
});

t.test("a blocked registry is refused by name and file, also beneath a host and through a wildcard", async (t) => {
  const place = testPlace(t, {
    [MAIN]: `[[registry]]\nprefix="bad.com"\nlocation="bad.com"\nblocked=true\n[[registry]]\nprefix="*.worse.com"\nblocked=true\n[[registry]]\nprefix="bad.com/good"\nlocation="good.com"`,
  });
  for (const image of ["bad.com/x", "bad.com:5000/x", "a.worse.com/x/y"]) {
    await t.rejects(
      endpointsOf(place, image),
      { code: "ImageRejected", message: /is blocked in .*registries\.conf/ },
      image,
    );
  }
  t.strictSame(await endpointsOf(place, "bad.com/good/x"), ["good.com/x"], "a longer prefix counts alone");
});

t.test("drop-ins are read in the order of their names, and take the place of what has the same prefix", async (t) => {
  const registry = (location: string) => `[[registry]]\nprefix="one.com"\nlocation="${location}"\n`;
  const place = testPlace(t, { [MAIN]: registry("main.com") });
  t.strictSame(await endpointsOf(place, "one.com/x"), ["main.com/x"]);
  place.write(`${MAIN}.d/20.conf`, registry("twenty.com"));
  place.write(`${MAIN}.d/10.conf`, `${registry("ten.com")}[[registry]]\nlocation="two.com"\ninsecure=true`);
  place.write(`${MAIN}.d/30.conf.old`, "not read");
  mkdirSync(join(place.etc, "containers/registries.conf.d/40.conf"));
  t.strictSame(await endpointsOf(place, "one.com/x"), ["twenty.com/x"]);
  t.strictSame(await endpointsOf(place, "two.com/x"), ["two.com/x insecure"]);
  place.write("home/.config/containers/registries.conf.d/05.conf", registry("home.com"));
  t.strictSame(await endpointsOf(place, "one.com/x"), ["home.com/x"], "the user's drop-ins come after the system's");
  place.write("home/.config/containers/registries.conf", "");
  t.strictSame(
    await endpointsOf(place, "two.com/x"),
    ["two.com/x"],
    "a user's registries.conf counts alone, with its drop-ins",
  );
});

t.test("a changed file is seen at the next pull, a file that is gone too", async (t) => {
  const place = testPlace(t, { [MAIN]: `[[registry]]\nlocation="a.com"\ninsecure=true` });
  const read = createRegistriesReader(place);
  const isInsecure = async () => (await read()).endpoints(parseReference("a.com/x"))[0]?.insecure;
  t.equal(await isInsecure(), true);
  const file = place.write(MAIN, `[[registry]]\nlocation="a.com"\ninsecure=false`);
  t.equal(await isInsecure(), false);
  rmSync(file);
  place.write(`${MAIN}.d/a.conf`, `[[registry]]\nlocation="a.com"\ninsecure=true`);
  t.equal(await isInsecure(), true);
});

t.test("the environment names another file, which must be there, with its drop-ins beside it", async (t) => {
  for (const name of ["PODRUN_REGISTRIES_CONF", "CONTAINERS_REGISTRIES_CONF"]) {
    const place = testPlace(t, { [MAIN]: `[[registry]]\nlocation="a.com"\nblocked=true` });
    const file = join(place.etc, "other.conf");
    const named = { ...place, env: { [name]: file } };
    await t.rejects(endpointsOf(named, "a.com/x"), {
      code: "ImageRejected",
      message: /other\.conf: there is no such file/,
    });
    place.write("etc/other.conf", "");
    t.strictSame(await endpointsOf(named, "a.com/x"), ["a.com/x"]);
    place.write("etc/other.conf.d/x.conf", `[[registry]]\nlocation="a.com"\ninsecure=true`);
    t.strictSame(await endpointsOf(named, "a.com/x"), ["a.com/x insecure"]);
  }
});

t.test("unknown fields are ignored, and told once for each state of the file", async (t) => {
  const place = testPlace(t, {
    [MAIN]: `colour = "red"\n[[registry]]\nlocation="a.com"\nblock=true\n[aliases]\n"x"="y"`,
  });
  const warnings: string[] = [];
  const read = createRegistriesReader(place, (text) => warnings.push(text));
  await read();
  await read();
  t.match(warnings, [/registries\.conf: colour: no such field/, /registry 1 \(a\.com\): block: no such field/]);
  t.equal(warnings.length, 2);
});

t.test("a bad file is refused by its name, the place in it, and what would be right", async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["a = 1\nb = = 2", /registries\.conf: line 2: it is not TOML/],
    ["[registries.search]\nregistries = ['a.com']", /version 1 of the format/],
    ["[registries.block]\nregistries = ['a.com']", /version 1 of the format/],
    [`[registry]\nlocation="a.com"`, /registry must be written as \[\[registry\]\]/],
    [`[[registry]]\nlocation=1`, /registry 1 \(1\): location must be a text in quotes, it is 1/],
    [`[[registry]]\ninsecure=true`, /location must be set/],
    [`[[registry]]\nprefix="a.com"`, /location must be set, unless/],
    [`[[registry]]\nlocation="a.com"\ninsecure="yes"`, /insecure must be true or false, it is "yes"/],
    [`[[registry]]\nlocation="https://a.com"`, /without http:\/\/ or https:\/\//],
    [`[[registry]]\nprefix="*.a.com/x"\nlocation="b.com"`, /must be like \*\.example\.com/],
    [`[[registry]]\nprefix="a.*.com"\nlocation="b.com"`, /a \* may stand at the beginning only/],
    [`[[registry]]\nprefix="a.com/x:1"\nlocation="b.com/x:2"`, /podrun maps names, not tags/],
    [`[[registry]]\nlocation="a.com"\n[[registry.mirror]]\ninsecure=true`, /mirror 1: location must be set/],
    [
      `[[registry]]\nlocation="a.com"\n[[registry.mirror]]\nlocation="b.com"\npull-from-mirror="never"`,
      /must be "all", "digest-only" or "tag-only", it is "never"/,
    ],
    [
      `[[registry]]\nlocation="a.com"\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation="b.com"\npull-from-mirror="all"`,
      /mirror-by-digest-only = true/,
    ],
    [
      `[[registry]]\nlocation="a.com"\n[[registry]]\nprefix="b.com"\nlocation="a.com"\ninsecure=true`,
      /more than once, with insecure = true and with insecure = false/,
    ],
    [`credential-helpers="x"`, /credential-helpers must be a list of texts/],
  ];
  for (const [text, message] of cases) {
    await t.rejects(endpointsOf(testPlace(t, { [MAIN]: text }), "a.com/x"), { code: "ImageRejected", message }, text);
  }
  const folder = testPlace(t, { [`${MAIN}/x`]: "" });
  await t.rejects(endpointsOf(folder, "a.com/x"), {
    code: "ImageRejected",
    message: /registries\.conf: it is a folder/,
  });
  const dropIn = testPlace(t, { [`${MAIN}.d/x.conf`]: "=" });
  await t.rejects(endpointsOf(dropIn, "a.com/x"), { code: "ImageRejected", message: /conf\.d\/x\.conf: line 1/ });
  const file = testPlace(t, { [`${MAIN}.d`]: "" });
  await t.rejects(endpointsOf(file, "a.com/x"), {
    code: "ImageRejected",
    message: /the folder cannot be read \(ENOTDIR\)/,
  });
});
