export { Nft } from "./nft.ts";
