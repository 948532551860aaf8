import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { container, exitOfKey, rejects, startMonitor } from "./harness.ts";

t.test("an attached client gets a copy of the output and gives input; others only watch", async (t) => {
  const { client, rootfs, folder, stream } = await startMonitor(t);
  const log = join(folder, "0.log");
  await client.run(container({ rootfs, key: 1, log, stdin: true, argv: ["cat"] }));
  const [writer, watcher] = [await stream(), await stream()];
  await writer.attach(1, { stdin: true });
  await watcher.attach(1, { stdin: false });
  const first = new Promise<string>((resolve) => watcher.once("stdout", (data) => resolve(data.toString())));
  writer.stdin.write("hello\n");
  t.equal(await first, "hello\n");
  await rejects(t, watcher.request({ type: "stdin", data: Buffer.from("no") }), { details: { errno: "EBADF" } });
  writer.stdin.end();
  const again = await stream();
  await again.attach(1, { stdin: true });
  const second = new Promise<string>((resolve) => again.once("stdout", (data) => resolve(data.toString())));
  again.stdin.write("still open\n");
  t.equal(await second, "still open\n", "without stdinOnce stdin outlives its clients");
  const exited = exitOfKey(watcher, 1);
  await client.signal(1, 9);
  t.equal((await exited).status, 9, "who is attached learns the exit");
  t.match(readFileSync(log, "utf8"), /hello\n.*still open\n/);
});

t.test("with stdinOnce the container's stdin ends with the first client that had it", async (t) => {
  const { client, rootfs, folder, stream } = await startMonitor(t);
  await client.subscribe();
  const exited = exitOfKey(client, 1);
  await client.run(
    container({
      rootfs,
      key: 1,
      log: join(folder, "0.log"),
      stdin: true,
      once: true,
      argv: ["sh", "-c", "cat; exit 6"],
    }),
  );
  const watcher = await stream();
  await watcher.attach(1, { stdin: false });
  watcher.close();
  const writer = await stream();
  await writer.attach(1, { stdin: true });
  const echoed = new Promise((resolve) => writer.once("stdout", resolve));
  writer.stdin.write("x\n");
  await echoed;
  writer.close();
  t.equal((await exited).status, 6 << 8);
});

t.test("attach is refused where there is no such container", async (t) => {
  const { stream } = await startMonitor(t);
  await rejects(t, (await stream()).attach(9, { stdin: false }), { details: { errno: "ESRCH" } });
});

t.test("attach is refused where the container has ended: it has told so already", async (t) => {
  const { client, rootfs, folder, stream } = await startMonitor(t);
  await client.subscribe();
  const exited = exitOfKey(client, 1);
  await client.run(container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["true"] }));
  await exited;
  await rejects(t, (await stream()).attach(1, { stdin: false }), { details: { errno: "ESRCH" } });
});

t.test("reopen_log goes on in a new file of the same name", async (t) => {
  const { client, rootfs, folder, stream } = await startMonitor(t);
  const log = join(folder, "0.log");
  await client.run(container({ rootfs, key: 1, log, stdin: true, argv: ["cat"] }));
  const writer = await stream();
  await writer.attach(1, { stdin: true });
  const echo = (text: string) =>
    new Promise((resolve) => {
      writer.once("stdout", resolve);
      writer.stdin.write(text);
    });
  await echo("before\n");
  renameSync(log, `${log}.old`);
  await echo("between\n");
  await client.reopenLog(1);
  await echo("after\n");
  t.match(readFileSync(`${log}.old`, "utf8"), /before\n.*between\n$/);
  t.match(readFileSync(log, "utf8"), /^\S+ stdout F after\n$/);
  await rejects(t, client.reopenLog(2), { details: { errno: "ESRCH" } });
});
