import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";
import { commandLine } from "./proc.ts";

export interface PortHolder {
  readonly pid: number;
  /** Its arguments, joined. */
  readonly command: string;
}

/** A process of the host that has bound a TCP or UDP port, from /proc; undefined: none is seen. For errors, not for decisions. */
export function portHolder(protocol: "TCP" | "UDP", port: number): PortHolder | undefined {
  const inodes = new Set(
    ["", "6"].flatMap((family) => boundInodes(`/proc/net/${protocol.toLowerCase()}${family}`, port)),
  );
  if (inodes.size === 0) return undefined;
  for (const name of listNames("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const holds = listNames(`/proc/${name}/fd`).some((fd) => inodes.has(linkOf(`/proc/${name}/fd/${fd}`)));
    if (holds) return { pid: Number(name), command: (commandLine(Number(name)) ?? []).join(" ").trim() };
  }
  return undefined;
}

/** `socket:[INODE]` of sockets on the port: proc_net(5), the local address is field 1, the inode field 9. Connected ones come last. */
function boundInodes(file: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return readText(file)
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = ""]) => local.endsWith(`:${hex}`))
    .map((fields) => `socket:[${fields[9]}]`);
}

const listNames = (path: string): string[] => unlessGone(() => readdirSync(path)) ?? [];
const linkOf = (path: string): string => unlessGone(() => readlinkSync(path)) ?? "";
const readText = (path: string): string => unlessGone(() => readFileSync(path, "utf8")) ?? "";

/** Processes end while one looks at them, a kernel without IPv6 has no tables of it, and a file may lie too deep to be named. */
function unlessGone<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "ENAMETOOLONG"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}
