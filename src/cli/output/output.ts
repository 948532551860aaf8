// The last bytes of an output that its reader takes slowly.

/** Resolves when everything written so far has been handed to the kernel. */
export async function flushOutput(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write("", () => resolve()));
}

/** Waits for a slow reader before more is written. */
export async function writeOut(data: Buffer | string): Promise<void> {
  if (process.stdout.write(data)) return;
  await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
}
