export { familyOf, formatIp, formatMac, ipBytes, macBytes } from "./address.ts";
export {
  GATEWAY4,
  GATEWAY6,
  type InsideOptions,
  insideBatch,
  loopbackBatch,
  type NetlinkBatch,
  type OutsideOptions,
  outsideBatch,
  POD_INDEX,
} from "./batch.ts";
export { ConntrackSocket, type Flow, type FlowFilter } from "./conntrack.ts";
export { describeMessages } from "./describe.ts";
export { type Changer, type Notices, watchHost, watchTable } from "./notices.ts";
export { type AddressInfo, type DefaultRoute, type LinkInfo, RouteSocket } from "./query.ts";
