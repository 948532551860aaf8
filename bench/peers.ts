import type { Contender } from "./contender.ts";
/** The peers that this machine has installed. */
export async function openPeers(_work: string, say: (text: string) => void): Promise<Contender[]> {
  say("peers: none yet");
  return [];
}
