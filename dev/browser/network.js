// A real network as a child process: `assay up` in a directory of its own.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BUILT = fileURLToPath(new URL("../../target/release/assay", import.meta.url));

/** Runs so many rounds and leaves the explorer and the chain up until `stop`. */
export async function start(rounds) {
  const dir = mkdtempSync(join(tmpdir(), "assay-browser-"));
  const args = ["up", "--rounds", String(rounds), "--dir", dir];
  const child = spawn(process.env.ASSAY_BIN ?? BUILT, args, { stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const said = [];
  let explorer;
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    explorer ??= /^explorer +(http:\S+)/.exec(line)?.[1];
    if (line.startsWith("the rounds asked for are done")) break;
  }
  const read = (...path) => readFileSync(join(dir, ...path), "utf8");
  return {
    explorer,
    said,
    chain: read("chain", "url"),
    deployment: JSON.parse(read("deployment.json")),
    /** The deployer's keystore and its password. */
    deployer: [read("keys", "deployer", "chain.json"), read("keys", "deployer", "password")],
    async stop() {
      child.kill("SIGINT");
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
