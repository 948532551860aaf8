// The image that is pulled: files of this machine's Debian packages in many layers, gzip as the world is; made once, and kept in
// build/bench-image as the data of a registry.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxLayer, packageFiles, withParents } from "../test/system/support/images.ts";
import type { Teardown } from "../test/system/support/podrun.ts";
import { pushImage } from "../test/system/support/push.ts";
import { type Registry, startRegistry } from "../test/system/support/registry.ts";
import { type RawEntry, rawTar } from "../test/system/support/tar.ts";

const CACHE = join(import.meta.dirname, "..", "build", "bench-image");
/** A change of this file's makes another image. */
const VERSION = 2;
const LAYERS = 24;
const WANTED_BYTES = 330e6;
/** Installed sizes, KiB: neither a package of nothing but a link nor one that is a layer's work alone. */
const SIZES = { least: 200, most: 30_000 };
const LOG_LINES = 150_000;

export interface BenchImages {
  readonly registry: Registry;
  /** 24 layers. */
  readonly large: ImageFacts;
  /** A busybox. */
  readonly small: ImageFacts;
}

export interface ImageFacts {
  /** Without the registry's host. */
  readonly name: string;
  readonly layers: number;
  readonly files: number;
  /** Of the layers' archives; `packedBytes`: as they are fetched. */
  readonly bytes: number;
  readonly packedBytes: number;
}

/** A registry on loopback that has both images; they are made when there are none yet of these packages. */
export async function serveImages(t: Teardown, say: (text: string) => void): Promise<BenchImages> {
  const packages = choosePackages();
  const key = createHash("sha256")
    .update(JSON.stringify([VERSION, packages]))
    .digest("hex")
    .slice(0, 16);
  const folder = join(CACHE, key);
  if (!existsSync(folder)) {
    say(`making the image of ${packages.length} Debian packages (some twenty seconds, once)`);
    await makeImages(folder, packages);
  }
  const registry = await startRegistry(t, { data: join(folder, "data") });
  const facts = JSON.parse(readFileSync(join(folder, "facts.json"), "utf8")) as {
    large: ImageFacts;
    small: ImageFacts;
  };
  return { registry, ...facts };
}

/** Installed packages in an order that has nothing to do with their names, as many as are wanted. */
function choosePackages(): readonly string[] {
  const format = ["-W", "-f", "$" + "{db:Status-Status} $" + "{Installed-Size} $" + "{Package} $" + "{Version}\n"];
  const lines = execFileSync("dpkg-query", format, { encoding: "utf8" }).trim().split("\n");
  const all = lines
    .map((line) => line.split(" "))
    .filter(([status, size]) => status === "installed" && Number(size) >= SIZES.least && Number(size) <= SIZES.most)
    .map(([, size, name = "", version]) => ({ name, size: Number(size) * 1024, text: `${name} ${version}` }))
    .sort((a, b) => (hash(a.name) < hash(b.name) ? -1 : 1));
  let total = 0;
  const chosen = all.filter(({ size }) => {
    const wanted = total < WANTED_BYTES;
    if (wanted) total += size;
    return wanted;
  });
  if (total < WANTED_BYTES) throw new Error(`all Debian packages of this machine have only ${total / 1e6} MB`);
  return chosen.map(({ text }) => text);
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

async function makeImages(folder: string, packages: readonly string[]): Promise<void> {
  rmSync(CACHE, { recursive: true, force: true });
  const making = `${folder}.making`;
  mkdirSync(making, { recursive: true });
  const teardowns: (() => void | Promise<void>)[] = [];
  const registry = await startRegistry(
    { teardown: (clean) => teardowns.unshift(clean) },
    { data: join(making, "data") },
  );
  try {
    const files = packages.map((text) => packageFiles(text.split(" ")[0] ?? ""));
    const groups = Array.from({ length: LAYERS - 2 }, (_, layer) =>
      files.filter((_, at) => at % (LAYERS - 2) === layer).flat(),
    );
    const large = [...groups, [logFile()]].map((entries) => withParents(entries));
    const facts = {
      // busybox last: Debian's base-files has a link /bin, and its folder /bin hides that one.
      large: await push(registry, "large", [...large.map(rawTar), busyboxLayer()], large.flat().length),
      small: await push(registry, "small", [busyboxLayer()], 0),
    };
    writeFileSync(join(making, "facts.json"), JSON.stringify(facts));
  } finally {
    for (const clean of teardowns) await clean();
  }
  renameSync(making, folder);
}

async function push(registry: Registry, name: string, layers: readonly Buffer[], files: number): Promise<ImageFacts> {
  const image = await pushImage(registry, { name: `${name}:1`, layers, config: { Env: ["PATH=/bin"] } });
  return {
    name: `${name}:1`,
    layers: layers.length,
    files,
    bytes: layers.reduce((sum, { length }) => sum + length, 0),
    packedBytes: image.blobs.slice(1).reduce((sum, { bytes }) => sum + bytes.length, 0),
  };
}

/** What packs well. */
function logFile(): RawEntry {
  const line = (index: number): string =>
    `2026-01-01T00:00:00Z INFO request ${index} took ${(index * 7919) % 1000} ms, answered 200\n`;
  return { name: "var/log/app.log", content: Array.from({ length: LOG_LINES }, (_, index) => line(index)).join("") };
}
