// Preloaded into a daemon that is measured: how long its event loop keeps others waiting, and what it costs.
// At SIGUSR2 it writes what was seen since the last one to the file of BENCH_LOOP_DELAY, and begins anew; with BENCH_PROFILE a
// CPU profile of that time goes to FOLDER/N.cpuprofile, too.
const { Session } = require("node:inspector");
const { monitorEventLoopDelay } = require("node:perf_hooks");
const { renameSync, writeFileSync } = require("node:fs");

const file = process.env.BENCH_LOOP_DELAY;
const resolution = 5;
const histogram = monitorEventLoopDelay({ resolution });
histogram.enable();
let cpu = process.cpuUsage();
let since = performance.now();

const folder = process.env.BENCH_PROFILE;
const session = new Session();
let profiles = 0;
if (folder) {
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.start");
}

function writeProfile() {
  session.post("Profiler.stop", (_, { profile }) =>
    writeFileSync(`${folder}/${profiles++}.cpuprofile`, JSON.stringify(profile)),
  );
  session.post("Profiler.start");
}

process.on("SIGUSR2", () => {
  const millis = (nanos) => Math.max(0, nanos / 1e6 - resolution);
  const { user, system } = process.cpuUsage(cpu);
  const seen = {
    p50: millis(histogram.percentile(50)),
    p99: millis(histogram.percentile(99)),
    most: millis(histogram.max),
    cores: (user + system) / 1000 / (performance.now() - since),
    rssMegabytes: process.memoryUsage.rss() / 1e6,
  };
  if (folder) writeProfile();
  histogram.reset();
  cpu = process.cpuUsage();
  since = performance.now();
  writeFileSync(`${file}.new`, JSON.stringify(seen));
  renameSync(`${file}.new`, file);
});
