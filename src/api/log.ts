// `…/pods/NAME/log`: a container's output as text (core/v1 PodLogOptions).
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { untilRun } from "./await-run.ts";
import type { ApiContext } from "./context.ts";
import { type LogRecord, LogText, type LogTextOptions, parseRecord } from "./cri-log.ts";
import { chooseContainer, DEFAULTED_HEADER } from "./default-container.ts";
import { readLines } from "./log-file.ts";
import { count, flag, type Target } from "./request.ts";

/** Streams the log; while it is followed, until the container has ended or the client leaves. */
export async function serveLog(
  context: ApiContext,
  response: ServerResponse,
  namespace: string,
  name: string,
  target: Target,
): Promise<void> {
  const { query } = target;
  const follow = flag(query, "follow");
  const tailLines = count(query, "tailLines");
  const stream = chooseStream(query);
  const text = new LogText(textOptions(query));
  const limitBytes = count(query, "limitBytes");
  const { container, defaulted } = chooseContainer(context.pods, namespace, name, query.get("container"));
  const previous = flag(query, "previous");
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  if (follow && !previous) await untilRun(context.pods, { namespace, name, container }, gone.signal);
  if (gone.signal.aborted) return;
  const log = context.pods.logFile(namespace, name, container, { previous, follow });
  response.setHeader("content-type", "text/plain; charset=utf-8");
  if (defaulted !== undefined) response.setHeader(DEFAULTED_HEADER, defaulted);
  response.flushHeaders();
  const options = { follow, signal: gone.signal, ...(tailLines === undefined ? {} : { tailLines }) };
  let left = limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const lines of readLines(log, options)) {
    const out = lines.flatMap((line) => {
      const record = parseRecord(line);
      if (record !== undefined && stream !== undefined && record.stream !== stream) return [];
      // Not the monitor's: shown as it is, for a log that hides lines is worse than an odd one.
      return record === undefined ? [line, Buffer.from("\n")] : text.push(record);
    });
    left = await write(response, Buffer.concat(out), left, gone.signal);
    if (left === 0) break;
  }
  await write(response, Buffer.concat(text.end()), left, gone.signal);
  response.end();
}

/** Waits while the client does not read, until it is `gone`. Answers how many bytes may still be written. */
async function write(response: ServerResponse, data: Buffer, left: number, gone: AbortSignal): Promise<number> {
  const part = data.length > left ? data.subarray(0, left) : data;
  if (part.length === 0 || response.destroyed) return left;
  if (!response.write(part)) {
    // A log is followed for days: each wait must take its listeners away again.
    await once(response, "drain", { signal: gone }).catch((error: unknown) => {
      if (!gone.aborted) throw error;
    });
  }
  return left - part.length;
}

/** PodLogOptions.stream; undefined: both. With one of them tailLines can't be told, as in Kubernetes. */
function chooseStream(query: URLSearchParams): LogRecord["stream"] | undefined {
  const name = query.get("stream") ?? "All";
  const streams: Readonly<Record<string, LogRecord["stream"] | undefined>> = {
    All: undefined,
    Stdout: "stdout",
    Stderr: "stderr",
  };
  if (!Object.hasOwn(streams, name))
    throw new PodrunError("BadRequest", `stream is "${name}": want All, Stdout or Stderr`);
  if (name !== "All" && query.has("tailLines"))
    throw new PodrunError("BadRequest", "tailLines is of both streams: leave it out, or ask for stream All");
  return streams[name];
}

function textOptions(query: URLSearchParams): LogTextOptions {
  const timestamps = flag(query, "timestamps");
  const seconds = count(query, "sinceSeconds");
  const time = query.get("sinceTime");
  if (seconds !== undefined && time !== null)
    throw new PodrunError("BadRequest", "sinceSeconds and sinceTime exclude each other: give one");
  if (time !== null && Number.isNaN(Date.parse(time)))
    throw new PodrunError("BadRequest", `sinceTime is "${time}": want RFC 3339, like 2026-11-21T07:47:01Z`);
  if (seconds === undefined && time === null) return { timestamps };
  const since = time === null ? Date.now() - (seconds ?? 0) * 1000 : Date.parse(time);
  return { timestamps, since: new Date(since).toISOString() };
}
