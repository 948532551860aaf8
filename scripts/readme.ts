// `node scripts/readme.ts`, as root: runs the commands that README.md shows and writes what they print below them. In blocks
// marked `console`, a line `$ COMMAND` is run by sh; the lines `/ # INPUT` below an `exec -it` are typed into its terminal.
// It happens in the rooms of scripts/readme-room.ts, so no pod and no file of this machine is touched or shown.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node-pty";
import { enterRoom, type Room } from "./readme-room.ts";

const ROOT = join(import.meta.dirname, "..");
const README = join(ROOT, "README.md");
const PROMPT = "/ # ";

function runPlainly(command: string): string {
  const { stdout, error } = spawnSync("sh", ["-c", `{ ${command}\n} 2>&1`], { cwd: process.cwd(), encoding: "utf8" });
  if (error) throw error;
  return stdout;
}

/** Types each input when the shell's prompt is there, and answers all that the terminal showed. */
function runInTerminal(command: string, inputs: readonly string[]): Promise<string> {
  const terminal = spawn("sh", ["-c", command], { cwd: process.cwd(), cols: 120, rows: 40 });
  const waiting = [...inputs];
  let shown = "";
  let seen = 0;
  terminal.onData((data) => {
    shown += data;
    const at = shown.indexOf(PROMPT, seen);
    if (at < 0) return;
    seen = at + PROMPT.length;
    const input = waiting.shift();
    if (input !== undefined) terminal.write(`${input}\r`);
  });
  return new Promise((resolve) => terminal.onExit(() => resolve(cleanTerminal(shown))));
}

const cleanTerminal = (text: string): string => text.replaceAll("\r", "").replaceAll(/\u001b\[[0-9;?]*[a-zA-Z]/g, "");

async function fillBlock(block: string): Promise<string> {
  const lines = block.split("\n");
  const inputs = lines.filter((line) => line.startsWith(PROMPT)).map((line) => line.slice(PROMPT.length));
  let filled = "";
  for (const line of lines.filter((candidate) => candidate.startsWith("$ "))) {
    const command = line.slice(2);
    const output = command.includes("exec -it") ? await runInTerminal(command, inputs) : runPlainly(command);
    const shown = output
      .split("\n")
      .map((text) => text.trimEnd())
      .join("\n")
      .trimEnd();
    filled += shown === "" ? `${line}\n` : `${line}\n${shown}\n`;
  }
  return filled;
}

async function fill(room: Room): Promise<void> {
  const parts = readFileSync(README, "utf8").split(/(```console\n[\s\S]*?```)/);
  for (const [i, part] of parts.entries()) {
    if (!part.startsWith("```console")) continue;
    const block = await fillBlock(part.slice("```console\n".length, -3));
    parts[i] = `\`\`\`console\n${room.rename(block)}\`\`\``;
  }
  writeFileSync(README, parts.join(""));
}

const room = await enterRoom(ROOT);
if (room !== undefined) await fill(room).finally(room.leave);
