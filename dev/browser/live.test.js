// A real network: what its explorer shows, and what wallets' libraries make of its chain.
//
// By hand: cargo build --release -p assay && ASSAY_CHROMIUM=/usr/bin/chromium npm test

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Contract, JsonRpcProvider, Wallet } from "ethers";
import { createPublicClient, http } from "viem";
import { launch, visit } from "./chromium.js";
import { start } from "./network.js";

const SHOTS = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));
const TOKEN = new URL("../../contracts/artifacts/AssayToken.json", import.meta.url);
const ROUNDS = 2;

let browser;
let network;

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  network = await start(ROUNDS);
  assert.ok(network.explorer, `no explorer in: ${network.said.join("\n")}`);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await network?.stop();
});

test("every page of a real network opens without a complaint", async () => {
  await visit(browser, { viewport: { width: 1280, height: 900 } }, async (page, troubles) => {
    const paths = ["/", "/rounds", `/rounds/${ROUNDS}`, "/disputes", "/nodes", "/nodes/3", "/model", "/oracle", "/accounts", "/house", "/jobs", "/blocks"];
    for (const path of paths) {
      await page.goto(network.explorer + path);
      await page.locator(".pulse.on").waitFor();
      await page.screenshot({ path: `${SHOTS}real${path.replaceAll("/", "-")}.png`, fullPage: true });
    }
    await page.goto(`${network.explorer}/accounts`);
    await page.locator('main a[href^="/accounts/0x"]').first().click();
    await page.locator(".plot canvas").first().waitFor();
    assert.deepEqual(troubles, []);
  });
});

test("the liar is rejected with its distance and earns nothing", async () => {
  const view = await (await fetch(`${network.explorer}/api/view.json`)).json();
  assert.equal(view.rounds.length, ROUNDS);
  for (const round of view.rounds) {
    const liars = round.seats.filter((seat) => seat.label === "demo liar");
    assert.equal(liars.length, 1);
    assert.equal(liars[0].verdict, "rejected");
    assert.ok(liars[0].distance > 3, `distance ${liars[0].distance}`);
    assert.equal(Number(liars[0].pay), 0);
    const honest = round.seats.filter((seat) => seat.label === null);
    assert.ok(honest.every((seat) => seat.verdict === "accepted" && Number(seat.pay) > 0));
  }
  assert.equal(view.oracle.reports.length, ROUNDS + 1);
});

test("the crook is convicted by one step, and its page says by which", async () => {
  const disputes = await (await fetch(`${network.explorer}/api/disputes`)).json();
  const convicted = disputes.filter((dispute) => dispute.state === "convicted");
  // It claims whenever it is its turn, and a late aggregator gives it one: a conviction a claim.
  assert.ok(convicted.length > 0);
  assert.equal(new Set(convicted.map((dispute) => dispute.claim)).size, convicted.length);
  for (const dispute of convicted) {
    assert.equal(dispute.asserter.node, 2);
    assert.ok(dispute.round >= 1 && dispute.round <= ROUNDS, `round ${dispute.round}`);
  }
  assert.equal(Math.min(...convicted.map((dispute) => dispute.round)), 1);
  await visit(browser, { viewport: { width: 1280, height: 900 } }, async (page, troubles) => {
    await page.goto(`${network.explorer}/disputes/${convicted[0].id}`);
    const text = await page.locator("main").innerText();
    assert.match(text, /%\d+ f64\[\d+\] = scatter_add %\d+/);
    assert.match(text, /asserted\s+100000000000\s+correct\s+33333333333/);
    await page.screenshot({ path: `${SHOTS}/conviction.png`, fullPage: true });
    assert.deepEqual(troubles, []);
  });
});

test("ethers opens the keystore, sends, waits and reads events", async () => {
  const provider = new JsonRpcProvider(network.chain, undefined, { cacheTimeout: -1 });
  try {
    const wallet = (await Wallet.fromEncryptedJson(...network.deployer)).connect(provider);
    assert.equal((await provider.getNetwork()).chainId, BigInt(network.deployment.chain_id));
    const { abi } = JSON.parse(readFileSync(TOKEN, "utf8"));
    const token = new Contract(network.deployment.token, abi, wallet);
    const stranger = Wallet.createRandom().address;
    const receipt = await (await token.transfer(stranger, 5n)).wait();
    assert.equal(receipt.status, 1);
    assert.equal(await token.balanceOf(stranger), 5n);
    const events = await token.queryFilter(token.filters.Transfer(null, stranger), 0, "latest");
    assert.equal(events.length, 1);
    await assert.rejects(token.connect(Wallet.createRandom(provider)).transfer(stranger, 1n));
  } finally {
    provider.destroy();
  }
});

test("viem reads blocks, contracts and fees", async () => {
  const client = createPublicClient({ transport: http(network.chain) });
  assert.equal(await client.getChainId(), network.deployment.chain_id);
  const block = await client.getBlock({ includeTransactions: true });
  assert.match(block.hash, /^0x[0-9a-f]{64}$/);
  assert.equal((await client.getBlock({ blockHash: block.hash })).number, block.number);
  const { abi } = JSON.parse(readFileSync(TOKEN, "utf8"));
  const read = { address: network.deployment.token, abi, functionName: "symbol" };
  assert.equal(await client.readContract(read), "ASSAY");
  assert.ok((await client.estimateFeesPerGas()).maxFeePerGas > 0n);
});
