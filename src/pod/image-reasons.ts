// Why a container waits for its image, in the kubelet's words (pkg/kubelet/images).

import { PodrunError } from "../base/errors.ts";
import type { Waiting } from "./status.ts";

/** A pull that failed: `image pull failed …` where the kubelet tells the kinds of failures apart, else the error itself. */
export function pullFailure(reference: string, error: unknown): { reason: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  // With a scope it is the signature policy's word; a blocked registry has none.
  const rejected =
    error instanceof PodrunError && error.code === "ImageRejected" && error.details["scope"] !== undefined;
  if (!rejected) return { reason: "ErrImagePull", message };
  return {
    reason: "SignatureValidationFailed",
    message: `image pull failed for ${reference} because the signature validation failed: ${message}`,
  };
}

/** `before`: the failure whose back-off goes on. */
export const backOff = (reference: string, before: Waiting): Waiting => ({
  reason: "ImagePullBackOff",
  message: `Back-off pulling image "${reference}": ${before.reason}: ${before.message}`,
});

export const neverPull = (reference: string): Required<Waiting> => ({
  reason: "ErrImageNeverPull",
  message: `Container image "${reference}" is not present with pull policy of Never`,
});

export const invalidName = (reference: string, problem: string): Required<Waiting> => ({
  reason: "InvalidImageName",
  message: `Failed to apply default image tag "${reference}": ${problem}`,
});

export const inspectFailed = (reference: string, problem: string): Required<Waiting> => ({
  reason: "ImageInspectError",
  message: `Failed to inspect image "${reference}": ${problem}`,
});

/** A time as Go prints a duration of whole milliseconds: `0s`, `12ms`, `1.234s`, `1m2.5s`. */
export function formatMillis(millis: number): string {
  const whole = Math.trunc(millis);
  if (whole === 0) return "0s";
  if (whole < 1000) return `${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const seconds = `${(whole % 60_000) / 1000}s`;
  return hours > 0 ? `${hours}h${minutes}m${seconds}` : minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
