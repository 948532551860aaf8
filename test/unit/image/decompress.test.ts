import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import t from "tap";
import { Decompressor, isForeign, type Packed, packingOf } from "../../../src/image/decompress.ts";

// More than one piece of output, and input that does not end where pieces do.
const data = Buffer.concat([randomBytes(300_001), Buffer.alloc(300_001)]);
const gzip = gzipSync(data);
const zstd = zstdCompressSync(data);
const SKIPPABLE = Buffer.from([0x51, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);

function decompress(packed: Packed, bytes: Buffer, step: number): Promise<Buffer> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) =>
    bytes.subarray(i * step, (i + 1) * step),
  );
  const decompressor = new Decompressor(packed);
  Readable.from(chunks)
    .on("error", () => undefined)
    .pipe(decompressor);
  return buffer(decompressor);
}

const STEPS = [997, 50_000, 10_000_000];

const GOOD: readonly (readonly [string, Packed, Buffer, number])[] = [
  ["gzip", "gzip", gzip, 1],
  ["gzip of several members", "gzip", Buffer.concat([gzip, gzip, gzip]), 3],
  ["zstd", "zstd", zstd, 1],
  ["zstd of several frames", "zstd", Buffer.concat([zstd, zstd, zstd]), 3],
  ["zstd with skippable frames", "zstd", Buffer.concat([SKIPPABLE, zstd, SKIPPABLE, zstd, SKIPPABLE]), 2],
  ["gzip, recognised", "any", gzip, 1],
  ["zstd, recognised", "any", zstd, 1],
  ["zstd behind a skippable frame, recognised", "any", Buffer.concat([SKIPPABLE, zstd]), 1],
  ["nothing packed, recognised", "any", data, 1],
  ["nothing packed", "tar", gzip, 0],
];
for (const [name, packed, bytes, copies] of GOOD)
  t.test(`${name} comes out whole, wherever its pieces end`, async (t) => {
    const wanted = copies === 0 ? bytes : Buffer.concat(Array(copies).fill(data));
    for (const step of STEPS) t.ok((await decompress(packed, bytes, step)).equals(wanted), `${step}`);
  });

const BAD: readonly (readonly [string, Packed, Buffer, string])[] = [
  ["a cut gzip", "gzip", gzip.subarray(0, -10), "Z_BUF_ERROR"],
  ["a gzip without its last byte", "gzip", gzip.subarray(0, -1), "Z_BUF_ERROR"],
  ["an empty gzip", "gzip", Buffer.alloc(0), "Z_BUF_ERROR"],
  ["what is no gzip", "gzip", zstd, "Z_DATA_ERROR"],
  ["text behind a gzip", "gzip", Buffer.concat([gzip, Buffer.from("garbage, garbage")]), "Z_DATA_ERROR"],
  ["zeros behind a gzip", "gzip", Buffer.concat([gzip, Buffer.alloc(512)]), "Z_DATA_ERROR"],
  ["many zeros behind a gzip", "gzip", Buffer.concat([gzip, Buffer.alloc(300_000)]), "Z_DATA_ERROR"],
  ["a cut zstd", "zstd", zstd.subarray(0, -10), "Z_BUF_ERROR"],
  ["a cut second frame", "zstd", Buffer.concat([zstd, zstd.subarray(0, -10)]), "Z_BUF_ERROR"],
  ["an empty zstd", "zstd", Buffer.alloc(0), "Z_BUF_ERROR"],
  ["what is no zstd", "zstd", gzip, "ZSTD_error_prefix_unknown"],
  ["text behind a zstd", "zstd", Buffer.concat([zstd, Buffer.from("garbage, garbage")]), "ZSTD_error_prefix_unknown"],
];
for (const [name, packed, bytes, code] of BAD)
  t.test(`${name} is found, wherever its pieces end`, async (t) => {
    for (const step of STEPS) {
      const error = await decompress(packed, bytes, step).catch((cause: unknown) => cause);
      t.match(error, { code }, `${step}`);
    }
  });

t.test("media types say how a layer is packed; Docker's are looked at, others are refused", async (t) => {
  const oci = "application/vnd.oci.image.layer.v1.tar";
  const docker = "application/vnd.docker.image.rootfs.diff.tar";
  t.same([oci, `${oci}+gzip`, `${oci}+zstd`].map(packingOf), ["tar", "gzip", "zstd"]);
  t.same([docker, `${docker}.gzip`, `${docker}.zstd`].map(packingOf), ["any", "any", "any"]);
  t.same([`${oci}+encrypted`, "application/octet-stream", ""].map(packingOf), [undefined, undefined, undefined]);
  t.ok(isForeign("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"));
  t.ok(isForeign("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"));
  t.notOk(isForeign(`${oci}+gzip`));
});
