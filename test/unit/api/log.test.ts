import { appendFileSync, mkdirSync, renameSync, type watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { LogQuery } from "../../../src/api/client.ts";
import { readLines } from "../../../src/api/log-file.ts";
import { runningPod, startFake } from "./fake.ts";

const T = "2026-11-21T07:47:01.000000000Z";
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `${T} stdout F line ${from + index}\n`).join("");
const texts = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join("");

async function startLog(t: Test) {
  const fake = await startFake(t);
  const path = join(fake.folder, "logs/0.log");
  mkdirSync(join(fake.folder, "logs"));
  const ends: (() => void)[] = [];
  let running = false;
  fake.pods.logs = {
    path,
    running: () => running,
    onEnd: (listener) => {
      ends.push(listener);
      return () => ends.splice(ends.indexOf(listener), 1);
    },
  };
  fake.pods.put(runningPod("web"));
  const read = async (query: LogQuery = {}): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of fake.client.readLog("default", "web", query)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  return {
    ...fake,
    path,
    read,
    start: () => {
      running = true;
    },
    end: () => {
      running = false;
      for (const listener of [...ends]) listener();
    },
    listeners: () => ends.length,
  };
}

/** Reads a followed log step by step. */
class Reader {
  readonly #chunks: AsyncGenerator<Buffer>;
  #text = "";
  constructor(chunks: AsyncGenerator<Buffer>) {
    this.#chunks = chunks;
  }
  async until(want: string): Promise<string> {
    while (!this.#text.includes(want)) {
      const { value, done } = await this.#chunks.next();
      if (done === true) break;
      this.#text += value.toString();
    }
    return this.#text;
  }
  async rest(): Promise<string> {
    for await (const chunk of this.#chunks) this.#text += chunk.toString();
    return this.#text;
  }
}

t.test("the log is the rotated files and the present one, in order", async (t) => {
  const { path, read } = await startLog(t);
  writeFileSync(`${path}.10`, lines(1, 3));
  writeFileSync(`${path}.2`, lines(4, 5));
  writeFileSync(`${path}.1`, lines(6, 6));
  writeFileSync(path, lines(7, 9));
  writeFileSync(`${path}.gz`, "not ours");
  t.equal(await read(), texts(1, 9));
});

t.test("a tail is counted from the end, over rotations, and by whole lines", async (t) => {
  const { path, read } = await startLog(t);
  writeFileSync(`${path}.1`, lines(1, 5000));
  writeFileSync(path, lines(5001, 5002));
  for (const tailLines of [0, 1, 2, 3, 4000, 5002, 9999])
    t.equal(
      await read({ tailLines }),
      tailLines === 0 ? "" : texts(Math.max(1, 5003 - tailLines), 5002),
      `${tailLines}`,
    );
});

t.test("a tail's line that came in pieces comes whole", async (t) => {
  const { path, read } = await startLog(t);
  const piece = "y".repeat(16 * 1024);
  writeFileSync(
    path,
    `${lines(1, 2)}${T} stdout P ${piece}\n${T} stdout P ${piece}\n${T} stdout F end\n${lines(3, 3)}`,
  );
  t.equal(await read({ tailLines: 2 }), `${piece}${piece}end\nline 3\n`);
  t.equal(await read({ tailLines: 1 }), "line 3\n");
  writeFileSync(path, `${lines(1, 2)}${T} stdout P unfinished\n`);
  t.equal(await read({ tailLines: 1 }), "unfinished");
});

t.test("a log that does not exist yet, and an empty one, are empty", async (t) => {
  const { path, read } = await startLog(t);
  t.equal(await read(), "");
  writeFileSync(path, "");
  t.equal(await read({ tailLines: 5 }), "");
});

t.test("limitBytes cuts, timestamps are added, a foreign line is shown as it is", async (t) => {
  const { path, read } = await startLog(t);
  writeFileSync(path, `${lines(1, 2)}nonsense\n`);
  t.equal(await read({ limitBytes: 9 }), "line 1\nli");
  t.equal(await read({ timestamps: true, tailLines: 2 }), `${T} line 2\nnonsense\n`);
});

t.test("following goes on over rotations, even several at once, and ends with the container", async (t) => {
  const { path, client, start, end, listeners } = await startLog(t);
  start();
  writeFileSync(path, lines(1, 2));
  const reader = new Reader(client.readLog("default", "web", { follow: true }));
  await reader.until("line 2\n");
  appendFileSync(path, lines(3, 3));
  await reader.until("line 3\n");
  appendFileSync(path, lines(4, 4));
  renameSync(path, `${path}.1`);
  writeFileSync(path, lines(5, 5));
  renameSync(`${path}.1`, `${path}.2`);
  renameSync(path, `${path}.1`);
  writeFileSync(path, lines(6, 6));
  await reader.until("line 6\n");
  appendFileSync(path, lines(7, 7));
  end();
  t.equal(await reader.rest(), texts(1, 7));
  t.equal(listeners(), 0);
});

t.test("following begins before the file is there", async (t) => {
  const { path, client, start, end } = await startLog(t);
  start();
  const reader = new Reader(client.readLog("default", "web", { follow: true }));
  const first = reader.until("line 1\n");
  await client.version();
  writeFileSync(path, lines(1, 1));
  await first;
  end();
  t.equal(await reader.rest(), texts(1, 1));
});

t.test("a machine without an inotify watch left does not keep a log from being followed", async (t) => {
  const path = join(t.testdir(), "0.log");
  writeFileSync(path, lines(1, 1));
  let end: () => void = () => undefined;
  const onEnd = (listener: () => void) => {
    end = listener;
    return () => undefined;
  };
  const none = (() => {
    throw Object.assign(new Error("ENOSPC: System limit for number of file watchers reached"), { code: "ENOSPC" });
  }) as unknown as typeof watch;
  const options = { follow: true, signal: new AbortController().signal };
  const batches = readLines({ path, running: () => true, onEnd }, options, none);
  const next = async () => (await batches.next()).value?.map(String);
  t.same(await next(), [lines(1, 1).trim()]);
  appendFileSync(path, lines(2, 2));
  t.same(await next(), [lines(2, 2).trim()]);
  end();
  t.same(await next(), undefined);
});

t.test("following waits for a container that is being made, and is refused when something is in its way", async (t) => {
  const { path, client, pods } = await startLog(t);
  const waiting = (reason: string) => {
    const pod = runningPod("web");
    const [status] = pod.status.containerStatuses ?? [];
    if (status) Object.assign(status, { state: { waiting: { reason } }, containerID: undefined });
    return pod;
  };
  const { logs } = pods;
  pods.logs = undefined;
  pods.put(waiting("PodInitializing"));
  const followed = new Reader(client.readLog("default", "web", { follow: true })).rest();
  await client.version();
  pods.put(waiting("ContainerCreating"));
  writeFileSync(path, lines(1, 1));
  pods.logs = logs;
  pods.put(runningPod("web"));
  t.equal(await followed, texts(1, 1));
  pods.put(waiting("ContainerCreating"));
  pods.logs = undefined;
  const refused = new Reader(client.readLog("default", "web", { follow: true })).rest();
  await client.version();
  pods.put(waiting("ErrImagePull"));
  await t.rejects(refused, { message: /has no log/ }, "the log is asked for, and what is in its way is told");
  const failed = waiting("PodInitializing");
  failed.status.phase = "Failed";
  pods.put(failed);
  await t.rejects(new Reader(client.readLog("default", "web", { follow: true })).rest(), { message: /has no log/ });
});

t.test("a follower that leaves leaves nothing behind", async (t) => {
  const { path, client, start, listeners } = await startLog(t);
  start();
  writeFileSync(path, lines(1, 1));
  for await (const _chunk of client.readLog("default", "web", { follow: true })) break;
  // The server hears of it by its own event loop.
  while (listeners() > 0) await client.version();
  t.equal(listeners(), 0);
});

t.test("waiting for a slow client leaves no listener behind, however long the log", async (t) => {
  const { path, client } = await startLog(t);
  writeFileSync(path, `${T} stdout F ${"x".repeat(8000)}\n`.repeat(4000));
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  t.teardown(() => process.off("warning", onWarning));
  let bytes = 0;
  for await (const chunk of client.readLog("default", "web", {})) {
    bytes += chunk.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(bytes, 8001 * 4000);
  t.same(warnings, []);
});

t.test("a wrong parameter and a missing pod are refused before anything is sent", async (t) => {
  const { client, read } = await startLog(t);
  await t.rejects(read({ tailLines: -1 }), { code: "BadRequest" });
  await t.rejects(read({ sinceTime: "yesterday" }), { message: /RFC 3339/ });
  await t.rejects(read({ sinceTime: "2026-11-21T07:47:01Z", sinceSeconds: 1 }), { message: /exclude each other/ });
  await t.rejects(client.readLog("default", "gone", {}).next(), { code: "NotFound" });
});

t.test("one stream of the two can be asked for", async (t) => {
  const { path, read } = await startLog(t);
  writeFileSync(path, `${T} stdout F out 1\n${T} stderr F err 1\n${T} stdout F out 2\n`);
  t.equal(await read({ stream: "Stdout" }), "out 1\nout 2\n");
  t.equal(await read({ stream: "Stderr" }), "err 1\n");
  t.equal(await read({ stream: "All" }), "out 1\nerr 1\nout 2\n");
  await t.rejects(read({ stream: "stdout" as "Stdout" }), {
    message: /stream is "stdout": want All, Stdout or Stderr/,
  });
  await t.rejects(read({ stream: "Stdout", tailLines: 1 }), { message: /tailLines is of both streams/ });
});
