import { connect } from "node:net";
import { goError, joinHostPort, type Outcome } from "./outcome.ts";

/** Whether a port takes connections; the connection is closed at once. The signal ends the attempt: too late. */
export function dialTcp(host: string, port: number, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (outcome: Outcome): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(outcome);
    };
    const fail = (why: string): void =>
      end({ result: "failure", message: `dial tcp ${joinHostPort(host, port)}: ${why}` });
    const onAbort = (): void => fail("i/o timeout");
    signal.addEventListener("abort", onAbort);
    socket.on("connect", () => end({ result: "success", message: "" }));
    socket.on("error", (error) => fail(goError(error)));
  });
}
