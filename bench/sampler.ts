// A thread that asks for the same list again and again: the time from the request to the answer's last byte, milliseconds.
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { now } from "./contender.ts";

const { socketPath, path, pauseMillis } = workerData as { socketPath: string; path: string; pauseMillis: number };
const agent = new Agent({ keepAlive: true });
const samples: number[] = [];
let isStopped = false;

parentPort?.on("message", () => {
  isStopped = true;
});

function ask(): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, agent }, (response) => {
      response.on("data", () => undefined);
      response.on("end", resolve);
    });
    sent.on("error", reject);
    sent.end();
  });
}

while (!isStopped) {
  const begin = now();
  await ask();
  samples.push(now() - begin);
  await delay(pauseMillis);
}
parentPort?.postMessage(samples);
agent.destroy();
parentPort?.close();
