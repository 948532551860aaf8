import { MonitorClient } from "../../../../src/linux/monitor/index.ts";

// A daemon that dies hears nothing more and does nothing more. For a runtime in the test's own process that means: its
// connections end, and what it waits for on them never comes. Every connection of a runtime subscribes, so each is known.

const connections = new Set<{ sever(): void }>();
const subscribe = MonitorClient.prototype.subscribe;

MonitorClient.prototype.subscribe = function (this: MonitorClient): Promise<void> {
  watch(this);
  return subscribe.call(this);
};

function watch(client: MonitorClient): void {
  let severed = false;
  const request = client.request.bind(client);
  client.request = (...arguments_) =>
    new Promise((resolve, reject) => {
      request(...arguments_).then(
        (answer) => severed || resolve(answer),
        (error) => severed || reject(error),
      );
    });
  const connection = {
    sever() {
      severed = true;
      client.removeAllListeners();
      client.close();
    },
  };
  connections.add(connection);
  client.once("closed", () => connections.delete(connection));
}

/** Ends all connections of all runtimes of this process, and they don't learn of it. */
export function severConnections(): void {
  for (const connection of connections) connection.sever();
  connections.clear();
}
