export { DEFAULT_DEVICES, deviceProgram, v1DeviceLines } from "./devices.ts";
export { type CgroupLayout, detectCgroups, missingControllers } from "./layout.ts";
export {
  cgroupFolders,
  containerCgroup,
  controllerFolder,
  monitorCgroup,
  podCgroup,
  processFolder,
  type QosClass,
  qosCgroup,
} from "./paths.ts";
export { delegationOf, prepareCgroup } from "./prepare.ts";
export { killCgroup, removeCgroup } from "./remove.ts";
export { type CgroupWrite, cgroupWrites, type Resources, resizeWrites, sharesOfMillis } from "./resources.ts";
export { type MemoryUsage, readCpu, readMemory, readOomKills, readPids, readProcesses } from "./usage.ts";
