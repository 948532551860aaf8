// Sends a netlink batch in the network namespace it runs in, as the monitor does, and prints the errno of each message.
// Arguments: the batch as JSON (messages in base64), the file of the namespace that takes the place of its slots.
import { closeSync, openSync } from "node:fs";
import { MessageType, Protocol, parseError, parseMessages, RawNetlinkSocket } from "netlink";

const { messages, fixups } = JSON.parse(process.argv[2] ?? "{}") as { messages: string; fixups: number[] };
const bytes = Buffer.from(messages, "base64");
const fd = openSync(process.argv[3] ?? "/proc/self/ns/net", "r");
for (const offset of fixups) bytes.writeInt32LE(fd, offset);
const count = parseMessages(bytes).length;
const errnos: number[] = [];
const socket = new RawNetlinkSocket(Protocol.ROUTE);
socket.on("message", (answer) => {
  for (const { type, data, flags } of parseMessages(answer))
    if (type === MessageType.ERROR) errnos.push(parseError(data, flags).errno);
  if (errnos.length < count) return;
  socket.close();
  closeSync(fd);
  console.log(JSON.stringify(errnos));
});
socket.send(bytes);
