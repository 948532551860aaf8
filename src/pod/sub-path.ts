import { posix } from "node:path";
import { PodrunError } from "../base/errors.ts";
import type { VolumeMount } from "../spec/index.ts";
import type { Environment } from "./environment.ts";

/**
 * The part of a volume that a mount asks for, `$(NAME)` in subPathExpr replaced; undefined: all of it. Throws InvalidObject for
 * a variable that there is not, and for what it makes of the path (the kubelet's CreateContainerConfigError).
 */
export function expandSubPath({ name, subPath, subPathExpr }: VolumeMount, env: Environment): string | undefined {
  const path = subPathExpr === undefined ? subPath : expand(subPathExpr, name, new Map(env));
  if (path === undefined) return undefined;
  if (path.startsWith("/")) throw wrong(name, `subPath "${path}" must not be an absolute path`);
  if (path.split("/").includes("..")) throw wrong(name, `subPath "${path}" must not contain ".."`);
  const clean = posix.normalize(path).replace(/\/$/, "");
  return clean === "." ? undefined : clean;
}

/** As the kubelet: other than in a command, a variable that there is not is an error. */
function expand(text: string, volume: string, env: ReadonlyMap<string, string>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (_, variable?: string) => {
    if (variable === undefined) return "$";
    const value = env.get(variable);
    if (value === undefined) throw wrong(volume, `subPathExpr "${text}": missing value for "${variable}"`);
    return value;
  });
}

const wrong = (volume: string, text: string): PodrunError =>
  new PodrunError("InvalidObject", `mount of volume "${volume}": ${text}`, { details: { volume } });
