import { RegistryFailure, sortError } from "./failure.ts";
import { discard, type HttpAnswer } from "./http.ts";

/**
 * The chunks of an answer's body. The clock runs only while podrun waits for the peer: a slow reader is no dead registry.
 * Leaving the loop early closes the connection. Throws RegistryFailure of kind "cut" or "timeout".
 */
export async function* chunks(answer: HttpAnswer, idleTimeout: number): AsyncGenerator<Buffer, void, void> {
  const { body, url } = answer;
  let waiting = true;
  const timer = setTimeout(() => {
    if (!waiting) return;
    body.destroy(new RegistryFailure({ kind: "timeout", host: url.host, milliseconds: idleTimeout }));
  }, idleTimeout);
  try {
    for await (const chunk of body) {
      waiting = false;
      yield chunk;
      waiting = true;
      timer.refresh();
    }
  } catch (error) {
    throw sortError(error, url.host, true);
  } finally {
    clearTimeout(timer);
  }
}

/** A whole body, or undefined when it is larger than `limit` bytes: the rest is not read then. */
export async function readBody(answer: HttpAnswer, limit: number, idleTimeout: number): Promise<Buffer | undefined> {
  if (Number(answer.headers["content-length"] ?? 0) > limit) {
    discard(answer.body);
    return undefined;
  }
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks(answer, idleTimeout)) {
    size += chunk.length;
    if (size > limit) return undefined;
    parts.push(chunk);
  }
  return Buffer.concat(parts, size);
}
