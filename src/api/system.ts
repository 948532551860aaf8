// podrun's own: the daemon and the machine.
import type { ServerResponse } from "node:http";
import type { ApiContext } from "./context.ts";
import { sendJson } from "./request.ts";

export async function systemInfo(context: ApiContext, response: ServerResponse): Promise<void> {
  sendJson(response, 200, await context.system.info());
}

/** `{findings: []}` is clean. */
export async function systemCheck(context: ApiContext, response: ServerResponse): Promise<void> {
  sendJson(response, 200, { findings: await context.system.check() });
}

export async function systemRepair(context: ApiContext, response: ServerResponse): Promise<void> {
  sendJson(response, 200, { findings: await context.system.repair() });
}

/** The answer goes out before the daemon leaves. */
export function systemShutdown(context: ApiContext, response: ServerResponse): void {
  response.on("close", () => context.system.shutdown());
  response.setHeader("connection", "close");
  sendJson(response, 200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" });
}

/** version.Info of the API server, as far as clients read it. */
export function version(context: ApiContext, response: ServerResponse): void {
  const [major = "0", minor = "0"] = context.version.split(".");
  sendJson(response, 200, {
    major,
    minor,
    gitVersion: `v${context.version}`,
    platform: `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
  });
}
