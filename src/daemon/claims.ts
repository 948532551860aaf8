import type { Config } from "../base/config.ts";
import type { Logger } from "../base/logger.ts";
import {
  Claims,
  type EventRecorder,
  type KeptObjects,
  type NodeFacts,
  StorageObjects,
  systemTimers,
} from "../pod/index.ts";
import { DEFAULT_CLASS, makeDefaultClass } from "../spec/index.ts";

interface ClaimParts {
  readonly config: Config;
  readonly facts: NodeFacts;
  readonly objects: KeptObjects;
  readonly events: EventRecorder;
  readonly log: Logger;
}

/** Claims and volumes as an earlier daemon has left them, with the class that is always there. */
export function openClaims({ config, facts, objects, events, log }: ClaimParts): Claims {
  if (objects.find("StorageClass", "", DEFAULT_CLASS) === undefined) objects.create(makeDefaultClass());
  const storage = new StorageObjects(objects);
  return new Claims({ root: config.root, node: facts, objects, storage, events, log, timers: systemTimers });
}
