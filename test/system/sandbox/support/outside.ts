import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

/** Answers every HTTP request with the address that it comes from. */
const SERVE = `require("http").createServer((q, s) => s.end(q.socket.remoteAddress + "\\n"))
  .listen(8080, "::", () => console.log("listens"))`;

export const ip = (...words: readonly string[]): string => execFileSync("ip", words, { encoding: "utf8" });

/** Runs a command in the network namespace of a process; its stdout. */
export const inNetworkOf = (pid: number, command: string, ...words: readonly string[]): string =>
  execFileSync("nsenter", ["-n", "-t", String(pid), command, ...words], { encoding: "utf8" });

/** A network beyond the host, in a namespace of its own; on port 8080 it tells whoever asks what address they come from. */
export interface Outside {
  /** The host's addresses on the way there, and the ones that are asked, IPv4 first. */
  readonly host: readonly [string, string];
  readonly far: readonly [string, string];
  /** Its interface on the host. */
  readonly link: string;
  close(): void;
}

export async function startOutside(): Promise<Outside> {
  const { pid } = process;
  const name = `podrun-out-${pid}`;
  const link = `po${pid}`;
  const block = pid % 250;
  const host = [`198.18.${block}.1`, `2001:db8:${block}::1`] as const;
  const far = [`198.18.${block}.2`, `2001:db8:${block}::2`] as const;
  ip("netns", "add", name);
  ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name);
  ip("addr", "add", `${host[0]}/24`, "dev", link);
  ip("addr", "add", `${host[1]}/64`, "dev", link, "nodad");
  ip("link", "set", link, "up");
  const inside = (...words: readonly string[]): string => ip("-n", name, ...words);
  inside("addr", "add", `${far[0]}/24`, "dev", "eth0");
  inside("addr", "add", `${far[1]}/64`, "dev", "eth0", "nodad");
  inside("link", "set", "eth0", "up");
  const server = spawn("ip", ["netns", "exec", name, process.execPath, "-e", SERVE]);
  await once(server.stdout, "data");
  return {
    host,
    far,
    link,
    close() {
      server.kill();
      ip("link", "delete", link);
      ip("netns", "delete", name);
    },
  };
}
