import { once } from "node:events";
import { closeSync, mkdirSync, openSync, rmdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import t from "tap";
import { portHolder } from "../../../src/linux/port-holder.ts";

t.test("who has a port is found, also beside a file whose path is too long to be read", async (t) => {
  const name = "deep".repeat(60);
  const fds = [openSync(t.testdir(), "r")];
  for (let depth = 0; depth < 20; depth++) {
    const folder = `/proc/self/fd/${fds.at(-1)}/${name}`;
    mkdirSync(folder);
    fds.push(openSync(folder, "r"));
  }
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  t.equal(portHolder("TCP", port)?.pid, process.pid);
  server.close();
  await once(server, "close");
  t.equal(portHolder("TCP", port), undefined);
  for (let fd = fds.pop(); fd !== undefined; fd = fds.pop()) {
    closeSync(fd);
    if (fds.length > 0) rmdirSync(`/proc/self/fd/${fds.at(-1)}/${name}`);
  }
});
