export { familyOf, formatIp, ipBytes, macBytes } from "./address.ts";
export { insideBatch, type NetlinkBatch, outsideBatch } from "./batch.ts";
export { ConntrackSocket, type Flow } from "./conntrack.ts";
export { describeMessages } from "./describe.ts";
export { watchHost, watchTable } from "./notices.ts";
export { type AddressInfo, RouteSocket } from "./query.ts";
