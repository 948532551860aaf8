import { PassThrough, Readable } from "node:stream";
import { badBlob } from "./blob.ts";
import { LayerWriter } from "./layer-writer.ts";
import { readTar } from "./tar.ts";
import type { LayerPacker, Unpacking, UnpackRequest } from "./types.ts";

/** Until the daemon hands the real one down: unpacks in this process, knows no whiteouts, keeps no skeleton. */
export const writerPacker: LayerPacker = {
  unpack: async ({ folder, image }: UnpackRequest): Promise<Unpacking> => {
    const archive = new PassThrough();
    const writer = new LayerWriter(folder, image);
    const damaged = (reason: string, cause: unknown) => badBlob(image, `a layer cannot be unpacked: ${reason}`, cause);
    const done = readTar([archive], (header, content) => writer.write(header, content), damaged).then(
      () => {
        writer.finish();
        return { files: 0, bytes: writer.size };
      },
      (error: unknown) => {
        archive.destroy();
        throw error;
      },
    );
    return { archive, skeleton: Readable.from([]), done };
  },
  isOpaque: () => false,
  pack: () => Promise.reject(new Error("not here")),
};
