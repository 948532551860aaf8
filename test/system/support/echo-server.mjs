// A server for the tests of port-forward, run in a pod's network namespace: `ADDRESS PORT KIND`. Says `listening` when it is.
import { createHash } from "node:crypto";
import { createServer } from "node:net";

const [address, port, kind] = process.argv.slice(2);

const KINDS = {
  /** Gives everything back as it comes. */
  echo: (socket) => socket.pipe(socket),
  /** Reads to the end, then tells how much it was and its digest. */
  digest: (socket) => {
    const hash = createHash("sha256");
    let bytes = 0;
    socket.on("data", (data) => {
      bytes += data.length;
      hash.update(data);
    });
    socket.on("end", () => socket.end(`${bytes} ${hash.digest("hex")}`));
  },
  /** Ends its own direction first, then says on its standard output what it reads. */
  last: (socket) => {
    socket.end("goodbye");
    let text = "";
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("end", () => console.log(`read ${text}`));
  },
  reset: (socket) => socket.resetAndDestroy(),
};

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => undefined);
  KINDS[kind](socket);
});
server.listen({ host: address, port: Number(port), ipv6Only: true, backlog: 511 }, () => console.log("listening"));
