// Words of kubectl, docker and podman that are no commands here, and what does the same.
import { nearest } from "../spec/nearest.ts";

const ELSEWHERE: Readonly<Record<string, string>> = {
  ps: "podrun get pods",
  ls: "podrun get pods",
  list: "podrun get pods",
  rm: "podrun delete pod NAME, or podrun rmi IMAGE",
  stop: "podrun delete pod NAME",
  kill: "podrun delete pod NAME --grace-period=0",
  start: "podrun apply -f FILE, or podrun run NAME --image=IMAGE",
  restart: "podrun delete -f FILE, then podrun apply -f FILE",
  pod: "podrun get pods",
  play: "podrun apply -f FILE",
  kube: "podrun apply -f FILE",
  inspect: "podrun get pod NAME -o yaml, or podrun inspect-image IMAGE",
  info: "podrun system info",
  stats: "podrun top pod",
  rename: "podrun tag IMAGE NAME for images; pods keep their names",
  expose: "hostPort in the manifest, or podrun port-forward",
  scale: "one manifest for each pod: podrun apply -f FILE",
  port: "podrun get pod NAME -o yaml, or podrun port-forward",
  "cluster-info": "podrun system info",
  history: "podrun image history IMAGE",
  prune: "podrun image prune",
  reset: "podrun system reset",
  check: "podrun system check",
};

const OF_IMAGES: Readonly<Record<string, string>> = {
  rmi: "podrun image rm",
  untag: "podrun image rm NAME",
  tree: "podrun image history IMAGE",
  build: "podrun load -i FILE of what another tool has built",
};

/** What to say behind `unknown command`: what does it here, else a command that is written nearly so, else nothing. */
export function suggestCommand(word: string, before: string, commands: readonly string[]): string {
  const table = before === "" ? ELSEWHERE : before === "image " ? OF_IMAGES : {};
  if (Object.hasOwn(table, word)) return `; here it is ${table[word]}`;
  const near = nearest(word, commands);
  return near === undefined ? "" : `; did you mean "${before}${near}"?`;
}
