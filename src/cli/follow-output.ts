import type { ApiClient } from "../api/client.ts";

/**
 * What a container's newest run writes, from its first byte to its end, its stderr on ours. Other than attaching, which hears
 * what comes from then on, this misses nothing of a process that is quick.
 */
export async function followOutput(
  client: ApiClient,
  { namespace, pod, container }: { readonly namespace: string; readonly pod: string; readonly container?: string },
  signal: AbortSignal,
): Promise<void> {
  const carry = async (stream: "Stdout" | "Stderr", to: NodeJS.WriteStream): Promise<void> => {
    for await (const chunk of client.readLog(namespace, pod, { container, follow: true, stream }, { signal }))
      if (!to.write(chunk)) await new Promise<void>((resolve) => to.once("drain", resolve));
  };
  await Promise.all([carry("Stdout", process.stdout), carry("Stderr", process.stderr)]);
}
