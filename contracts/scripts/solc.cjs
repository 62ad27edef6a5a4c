#!/usr/bin/env node
// The npm compiler under the two options forge uses: `--version` and `--standard-json` on stdin.
const solc = require("solc");
const version = `solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`;
const run = () => solc.compile(require("fs").readFileSync(0, "utf8"));
process.stdout.write(process.argv.includes("--version") ? version : run());
