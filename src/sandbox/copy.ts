import { join, resolve } from "node:path";
import { planFault } from "../base/fault.ts";
import { openStream } from "../linux/monitor/index.ts";
import { compileSeccomp, TAR_PROFILE, UNTAR_PROFILE } from "../linux/seccomp/index.ts";
import type { Context, LiveContainer, LiveSandbox } from "./context.ts";
import { CopyReport } from "./copy-outcome.ts";
import { type CopyVerb, compileCopy } from "./copy-plan.ts";
import { newStreamKey, requireRunning, streamSession } from "./exec.ts";
import { monitorOf } from "./lookup.ts";
import { containerSlots } from "./slots.ts";
import type { CopyRequest, CopySession } from "./types.ts";

const NONE: ReadonlySet<string> = new Set();
const NO_LIMIT = 2n ** 64n - 1n;

/**
 * Copies files into or out of a running container, in its namespaces, as its user, with what its user may do; its image needs
 * no tar. Relative paths begin at its working directory. Throws ContainerNotRunning, MonitorGone.
 */
export async function copy(
  context: Context,
  sandbox: LiveSandbox,
  container: LiveContainer,
  request: CopyRequest,
): Promise<CopySession> {
  const { record } = container;
  requireRunning(container);
  monitorOf(sandbox);
  const { identity } = record;
  const path = request.verb === "in" ? "/" : resolve("/", identity.workingDir, request.path);
  const verb: CopyVerb = request.verb === "in" ? { verb: "in", limit: NO_LIMIT } : { verb: request.verb, path };
  const profile = request.verb === "in" ? UNTAR_PROFILE : TAR_PROFILE;
  const plan = compileCopy(
    {
      container: record.name,
      copy: verb,
      identity,
      cgroup: record.cgroup,
      slots: containerSlots(record.number),
      key: newStreamKey(),
      users: sandbox.record.userRange,
      seccomp: { filter: compileSeccomp(profile, NONE), flags: 0 },
    },
    context.facts,
  );
  const stream = openStream(join(sandbox.folder, "monitor.sock"));
  const session = streamSession(stream);
  try {
    await stream.run(plan, { fault: planFault("copy") });
  } catch (error) {
    stream.close();
    throw error;
  }
  const report = new CopyReport({ container: record.name, path, uid: identity.uid });
  session.onStderr = (data) => report.add(data);
  // Of what comes in, the skeleton is not wanted: no archive will be made of it again.
  if (request.verb === "in") session.onStdout = () => undefined;
  const done = session.exited.then((code) => report.judge(code));
  done.catch(() => undefined);
  return Object.assign(session, { done, path, user: { uid: identity.uid, gid: identity.gid } });
}
