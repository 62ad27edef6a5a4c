// The explorer's fixture as a child process: one server, one block for each line it is sent.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BUILT = fileURLToPath(new URL("../../target/release/examples/fixture", import.meta.url));

/** Starts the fixture; `flags` as in `crates/apps/explorer/examples/fixture`. */
export async function start(...flags) {
  const child = spawn(process.env.ASSAY_FIXTURE ?? BUILT, ["--manual", ...flags], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const failed = new Promise((_, reject) => child.once("error", reject));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await Promise.race([lines.next(), failed])).value;
  const address = await line();
  return {
    address,
    /** Mines one block and returns its number. */
    async step() {
      child.stdin.write("\n");
      return Number((await line()).replace("block ", ""));
    },
    /** Returns what the interface for machines says at this path. */
    async json(path) {
      return (await fetch(address + path)).json();
    },
    async stop() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await gone;
    },
  };
}
