// Runs forge with these arguments and ends as it ended. The package's own launcher ends with 0 whatever
// forge found, so that a contract that does not compile would pass.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const cpu = { x64: "amd64", arm64: "arm64" }[process.arch] ?? process.arch;
const name = process.platform === "win32" ? "forge.exe" : "forge";
const binary = createRequire(import.meta.url).resolve(
  `@foundry-rs/forge-${process.platform}-${cpu}/bin/${name}`,
);
const ended = spawnSync(binary, process.argv.slice(2), { stdio: "inherit" });
if (ended.error) throw ended.error;
process.exit(ended.status ?? 1);
