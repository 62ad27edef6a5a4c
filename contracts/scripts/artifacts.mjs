// Writes artifacts/NAME.json ({abi, bytecode, contractName}, keys sorted) of every contract that is
// deployed, and of the harness of cargo's tests, so that cargo needs no compiler. With --check it
// writes nothing and fails if a committed file differs from what the sources compile to.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");
const sorted = (value) =>
  Array.isArray(value)
    ? value.map(sorted)
    : value !== null && typeof value === "object"
      ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]))
      : value;

execFileSync(process.execPath, [join(root, "scripts", "forge.mjs"), "build", "--skip", "test"], {
  cwd: root,
  stdio: "inherit",
});
const names = ["src", "src/harness"]
  .flatMap((folder) => readdirSync(join(root, folder)))
  .filter((file) => file.endsWith(".sol"))
  .map((file) => file.slice(0, -".sol".length))
  .sort();
mkdirSync(join(root, "artifacts"), { recursive: true });
const stale = [];
for (const contractName of names) {
  const compiled = JSON.parse(
    readFileSync(join(root, "out", `${contractName}.sol`, `${contractName}.json`), "utf8"),
  );
  // The compiler output names types of user-defined structs; the order of entries is its own and stable.
  const artifact = { contractName, abi: compiled.abi, bytecode: compiled.bytecode.object };
  const text = `${JSON.stringify(sorted(artifact), null, 1)}\n`;
  const path = join(root, "artifacts", `${contractName}.json`);
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  if (check) stale.push(contractName);
  else writeFileSync(path, text);
}
const extra = readdirSync(join(root, "artifacts")).filter(
  (file) => !names.includes(file.replace(/\.json$/, "")),
);
for (const file of extra) stale.push(file);
if (stale.length > 0) {
  console.error(`artifacts differ from the sources: ${stale.join(", ")}; run npm run artifacts`);
  process.exit(1);
}
console.log(`${names.length} artifacts ${check ? "match the sources" : "written"}`);
