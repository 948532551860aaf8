import t from "tap";
import { crossedLimit, hasStorageLimit } from "../../../../src/pod/eviction/storage-limits.ts";
import type { PodStorage } from "../../../../src/pod/eviction/types.ts";
import type { Pod } from "../../../../src/spec/index.ts";
import { makePod } from "../fixtures.ts";

const MI = 2 ** 20;

function storage(containers: Record<string, number>, volumes: Record<string, number> = {}): PodStorage {
  const usage = (usedBytes: number) => ({ usedBytes, inodesUsed: 1 });
  const map = (uses: Record<string, number>) =>
    new Map(Object.entries(uses).map(([name, used]) => [name, usage(used)] as const));
  const total = [...Object.values(containers), ...Object.values(volumes)].reduce((sum, used) => sum + used, 0);
  return { containers: map(containers), volumes: map(volumes), total: usage(total) };
}

/** Each container's limit of ephemeral-storage; undefined: none. */
function limited(limits: Record<string, string | undefined>, spec: object = {}): Pod {
  const containers = Object.entries(limits).map(([name, limit]) => {
    const resources = limit === undefined ? {} : { limits: { "ephemeral-storage": limit } };
    return { name, image: "i", resources };
  });
  return makePod({ containers, ...spec });
}

t.test("an emptyDir over its sizeLimit is told of by name; in memory, without a limit or with 0 it has none", (t) => {
  const volumes = [
    { name: "free", emptyDir: {} },
    { name: "zero", emptyDir: { sizeLimit: "0" } },
    { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    { name: "disk", emptyDir: { sizeLimit: "1Mi" } },
  ];
  const pod = makePod({ volumes });
  t.ok(hasStorageLimit(pod));
  t.notOk(hasStorageLimit(makePod({ volumes: volumes.slice(0, 3) })));
  const used = (disk: number) => storage({ web: 9 * MI }, { free: 9 * MI, zero: 9 * MI, memory: 9 * MI, disk });
  t.equal(crossedLimit(pod, used(MI)), undefined, "the limit itself is within it");
  t.equal(crossedLimit(pod, used(MI + 1)), 'Usage of EmptyDir volume "disk" exceeds the limit "1Mi". ');
  t.end();
});

t.test("a container may not use more than its own limit, though the pod's others use less", (t) => {
  const pod = limited({ a: "1Mi", b: "10Mi", c: undefined });
  t.ok(hasStorageLimit(pod));
  t.equal(crossedLimit(pod, storage({ a: MI, b: MI, c: MI })), undefined);
  t.equal(
    crossedLimit(pod, storage({ a: 2 * MI, b: MI })),
    'Container a exceeded its local ephemeral storage limit "1Mi". ',
  );
  t.end();
});

t.test("all of a pod together may not use more than its containers' limits, volumes included", (t) => {
  const pod = limited({ a: "1Mi", b: "2Mi", c: undefined }, { volumes: [{ name: "v", emptyDir: {} }] });
  t.equal(crossedLimit(pod, storage({ a: MI, b: MI }, { v: MI })), undefined);
  t.equal(
    crossedLimit(pod, storage({ a: MI, b: MI }, { v: MI + 4096 })),
    "Pod ephemeral local storage usage exceeds the total limit of containers 3Mi. ",
  );
  t.notOk(hasStorageLimit(limited({ a: undefined })));
  t.notOk(hasStorageLimit(limited({ a: "0" })), "0 is none");
  t.end();
});
