import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { MonitorStream } from "../../../src/linux/monitor/index.ts";
import type { LiveSandbox } from "../../../src/sandbox/context.ts";
import { makeReady, takeStream } from "../../../src/sandbox/ready-stream.ts";

type Test = Pick<typeof import("tap").t, "teardown">;

/** A sandbox whose monitor takes connections and says nothing. */
async function makeSandbox(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), "podrun-ready-"));
  const connections: Socket[] = [];
  const arrivals: (() => void)[] = [];
  const server = createServer((socket) => {
    connections.push(socket);
    socket.on("error", () => undefined).resume();
    arrivals.shift()?.();
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "monitor.sock"), resolve));
  const taken: MonitorStream[] = [];
  t.teardown(() => {
    for (const one of taken) one.close();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const monitor = { open: true };
  const sandbox = { folder, monitor } as unknown as LiveSandbox;
  const take = (): MonitorStream => {
    const stream = takeStream(sandbox);
    taken.push(stream);
    return stream;
  };
  const arrival = (): Promise<void> => new Promise((resolve) => arrivals.push(resolve));
  return { sandbox, monitor, connections, take, arrival };
}

t.test("the connection that was made ready is the next one's, and only one is made", async (t) => {
  const { sandbox, connections, take, arrival } = await makeSandbox(t);
  const came = arrival();
  makeReady(sandbox);
  makeReady(sandbox);
  await came;
  take();
  t.equal(connections.length, 1);
  const another = arrival();
  take();
  await another;
  t.equal(connections.length, 2, "who comes next has one of its own");
});

t.test("one that has ended while it waited is nobody's", async (t) => {
  const { sandbox, connections, take, arrival } = await makeSandbox(t);
  const came = arrival();
  makeReady(sandbox);
  await came;
  const ready = take();
  makeReady(sandbox);
  await arrival();
  const waiting = connections[1] as Socket;
  await new Promise((resolve) => waiting.once("close", resolve).end());
  const fresh = take();
  t.not(fresh, ready);
  t.equal(fresh.open, true);
});

t.test("nothing is made ready for a sandbox whose monitor has gone", async (t) => {
  const { sandbox, monitor, connections, take, arrival } = await makeSandbox(t);
  monitor.open = false;
  makeReady(sandbox);
  const came = arrival();
  take();
  await came;
  t.equal(connections.length, 1);
});
