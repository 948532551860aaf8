// `node scripts/readme.ts`: runs the commands that README.md shows and writes what they print below them. In blocks marked
// `console`, a line `$ COMMAND` is run by sh; the lines `/ # INPUT` below an `exec -it` are typed into its terminal.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node-pty";

const ROOT = join(import.meta.dirname, "..");
const README = join(ROOT, "README.md");
const PROMPT = "/ # ";

function runPlainly(command: string): string {
  const { stdout, error } = spawnSync("sh", ["-c", `{ ${command}\n} 2>&1`], { cwd: ROOT, encoding: "utf8" });
  if (error) throw error;
  return stdout;
}

/** Types each input when the shell's prompt is there, and answers all that the terminal showed. */
function runInTerminal(command: string, inputs: readonly string[]): Promise<string> {
  const terminal = spawn("sh", ["-c", command], { cwd: ROOT, cols: 120, rows: 40 });
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
    filled += `${line}\n${output
      .split("\n")
      .map((text) => text.trimEnd())
      .join("\n")
      .trimEnd()}\n`;
  }
  return filled;
}

const text = readFileSync(README, "utf8");
const parts = text.split(/(```console\n[\s\S]*?```)/);
for (const [i, part] of parts.entries()) {
  if (!part.startsWith("```console")) continue;
  parts[i] = `\`\`\`console\n${await fillBlock(part.slice("```console\n".length, -3))}\`\`\``;
}
writeFileSync(README, parts.join(""));
