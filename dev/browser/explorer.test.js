// The explorer in headless Chromium: every page, light and dark, wide and narrow, alive and without scripts.
//
// The fixture mines a block when it is told to, so nothing here waits for a clock: each wait is for something that
// was just caused. `cargo xtask test` says where Chromium and the fixture are; by hand:
//   cargo build --release -p explorer --example fixture && ASSAY_CHROMIUM=/usr/bin/chromium npm test

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, visit as visitWith } from "./chromium.js";
import { start } from "./fixture.js";
import { faint, focus, overhang, painted } from "./inspect.js";

const SHOTS = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));
const LOOKS = [
  { name: "light", colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  { name: "narrow-light", colorScheme: "light", viewport: { width: 390, height: 844 } },
  { name: "narrow-dark", colorScheme: "dark", viewport: { width: 390, height: 844 } },
];
// Blocks until the running round has settled and the publisher has reported, from where the fixture starts.
const TO_REPORT = 7;
// The fixture's disputes: one that makes a move a round, and one that was convicted.
const RUNNING = 1;
const CONVICTED = 2;

let browser;
let fixture;

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  fixture = await start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await fixture?.stop();
});

const visit = (options, use) => visitWith(browser, options, use);
const live = (page) => page.locator(".pulse.on").waitFor();

/** Returns every page of the fixture: a name for the screenshot, and its path. */
async function pages() {
  const view = await fixture.json("/api/view.json");
  const settled = view.rounds.filter((round) => round.phase === "settled").at(-1);
  const tx = view.txs.filter((one) => one.method === "settle").at(-1);
  return {
    now: "/",
    rounds: "/rounds",
    round: `/rounds/${settled.number}`,
    "round-running": `/rounds/${view.network.round}`,
    disputes: "/disputes",
    ...Object.fromEntries(view.disputes.map(({ id }) => [`dispute-${id}`, `/disputes/${id}`])),
    nodes: "/nodes",
    node: "/nodes/3",
    model: "/model",
    oracle: "/oracle",
    accounts: "/accounts",
    house: "/house",
    jobs: "/jobs",
    account: `/accounts/${view.accounts[0].address}`,
    blocks: "/blocks",
    block: `/blocks/${tx.block}`,
    tx: `/tx/${tx.hash}`,
  };
}

for (const { name, ...options } of LOOKS) {
  test(`every page is whole, legible and quiet: ${name}`, async () => {
    await visit(options, async (page, troubles) => {
      for (const [shot, path] of Object.entries(await pages())) {
        await page.goto(fixture.address + path);
        await live(page);
        if (["model", "oracle", "account"].includes(shot)) {
          await page.locator(".plot canvas").waitFor();
          const { colors, share } = await page.evaluate(painted);
          assert.ok(colors > 8 && share > 0.01, `${path}: the canvas holds ${colors} colours on ${share}`);
        }
        const strip = await page.locator(".strip").innerText();
        assert.match(strip, /replaying 2015-03-14, WTI spot/i, path);
        assert.match(strip, /unaudited contracts, replayed data, local chain/, path);
        assert.equal(await page.locator("h1").count(), 1, `${path} has one heading`);
        const { over, wide } = await page.evaluate(overhang);
        assert.ok(over <= 0 && wide.length === 0, `${path} sticks out by ${over}: ${wide}`);
        assert.deepEqual(await page.evaluate(faint), [], `${path} has faint text`);
        await page.screenshot({ path: `${SHOTS}${shot}-${name}.png`, fullPage: true });
        assert.deepEqual(troubles, [], path);
      }
    });
  });
}

test("a new block reaches an open page without a reload, a scroll or a lost focus", async () => {
  await visit({ viewport: { width: 1280, height: 500 } }, async (page, troubles) => {
    await page.goto(`${fixture.address}/`);
    await live(page);
    await page.evaluate(() => (window.sameDocument = true));
    const link = page.getByRole("link", { name: "trainer 2" }).first();
    await link.focus();
    await page.evaluate(() => window.scrollTo(0, 300));
    const block = await fixture.step();
    const shown = new Intl.NumberFormat("en").format(block);
    await page.locator(".strip a", { hasText: shown }).waitFor();
    assert.equal(await page.evaluate(() => window.sameDocument), true);
    assert.equal(await page.evaluate(() => window.scrollY), 300);
    assert.equal((await page.evaluate(focus)).text, "trainer 2");
    assert.deepEqual(troubles, []);
  });
});

test("a report moves the chart that is already drawn", async () => {
  await visit({ viewport: { width: 1280, height: 900 } }, async (page, troubles) => {
    await page.goto(`${fixture.address}/oracle`);
    await live(page);
    const canvas = page.locator(".plot canvas");
    await canvas.waitFor();
    await canvas.evaluate((element) => (element.dataset.first = "yes"));
    const rows = page.locator("tbody tr");
    const before = await rows.count();
    const picture = await canvas.evaluate((element) => element.toDataURL());
    for (let i = 0; i < TO_REPORT; i += 1) await fixture.step();
    await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length > count, before);
    await page.waitForFunction((old) => document.querySelector(".plot canvas").toDataURL() !== old, picture);
    assert.equal(await canvas.getAttribute("data-first"), "yes", "the canvas was replaced");
    assert.deepEqual(troubles, []);
  });
});

test("a conviction is drawn down to the step that both values stand below", async () => {
  await visit({ viewport: { width: 1280, height: 900 } }, async (page, troubles) => {
    await page.goto(`${fixture.address}/disputes`);
    await live(page);
    await page.locator(`tbody a[href="/disputes/${CONVICTED}"]`).click();
    await page.locator("#step").waitFor();
    const { judged, told } = await fixture.json(`/api/disputes/${CONVICTED}`);
    for (const [side, scalar] of [["asserted", judged.asserted], ["correct", judged.correct]]) {
      const text = await page.locator(`.value.${side}`).innerText();
      assert.ok(text.includes(scalar.value) && text.includes(scalar.bits), `${side}: ${text}`);
    }
    // Each named cell opens into the whole row below it, and the last one onto the step.
    const boxes = (selector) =>
      page.locator(selector).evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
    const rows = await boxes(".levels svg");
    const wedges = await boxes(".levels .wedge");
    assert.equal(await page.locator(".level .named").count(), rows.length);
    assert.equal(wedges.length, rows.length);
    const step = (await boxes("#step"))[0].top;
    for (const [i, wedge] of wedges.entries()) {
      const below = rows[i + 1]?.top ?? step;
      assert.ok(Math.abs(wedge.bottom - below) < 2, `level ${i} ends at ${wedge.bottom}, not at ${below}`);
    }
    assert.equal(await page.locator(".moves tbody tr").count(), told.length);
    assert.deepEqual(troubles, []);
  });
});

test("a move reaches the page of its dispute", async () => {
  // A world of its own: in an old one the dispute has made all its moves.
  const young = await start("--empty");
  try {
    while ((await young.json("/api/disputes")).length < 1) await young.step();
    await visit({ viewport: { width: 1280, height: 900 } }, async (page, troubles) => {
      await page.goto(`${young.address}/disputes/${RUNNING}`);
      await live(page);
      const moves = page.locator(".moves tbody tr");
      assert.equal(await moves.count(), 1);
      assert.match(await page.locator(".lead").innerText(), /asserter’s turn/);
      while ((await young.json(`/api/disputes/${RUNNING}`)).moves.length < 2) await young.step();
      await page.locator(".lead", { hasText: "challenger’s turn" }).waitFor();
      assert.equal(await moves.count(), 2);
      assert.equal(await page.locator(".level .open").count(), 7, "what was shown lies open");
      assert.deepEqual(troubles, []);
    });
  } finally {
    await young.stop();
  }
});

test("the keyboard reaches everything and shows where it is", async () => {
  await visit({ viewport: { width: 1280, height: 900 } }, async (page) => {
    await page.goto(`${fixture.address}/`);
    await live(page);
    await page.keyboard.press("Tab");
    const skip = await page.evaluate(focus);
    assert.equal(skip.text, "Skip to content");
    assert.ok(skip.onScreen, "the skip link shows itself when focused");
    const seen = [];
    for (let i = 0; i < 40; i += 1) {
      await page.keyboard.press("Tab");
      const now = await page.evaluate(focus);
      assert.ok(now.ring && now.onScreen, `no ring around ${now.tag} ${now.text}`);
      seen.push(now.text);
    }
    for (const text of ["Rounds", "Oracle", "Blocks"]) assert.ok(seen.includes(text), `${text} was skipped`);
    assert.ok(seen.some((text) => text.startsWith("Copy 0x")), "no copy button was reached");
    await page.screenshot({ path: `${SHOTS}focus.png` });
  });
});

test("a hash is copied in full", async () => {
  const options = { permissions: ["clipboard-read", "clipboard-write"] };
  await visit(options, async (page, troubles) => {
    await page.goto(`${fixture.address}/nodes`);
    await live(page);
    const [{ key }] = await fixture.json("/api/nodes");
    await page.locator(`.copy[data-copy="${key}"]`).click();
    await page.locator(".copy.copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
    assert.equal(await page.locator(`[title="${key}"]`).count(), 1, "the full value is on hover");
    assert.deepEqual(troubles, []);
  });
});

test("without scripts the charts are drawings and tables", async () => {
  await visit({ javaScriptEnabled: false }, async (page, troubles) => {
    await page.goto(`${fixture.address}/oracle`);
    assert.equal(await page.locator("svg.drawing path").count(), 2);
    assert.ok((await page.locator("tbody tr").count()) >= 12);
    assert.match(await page.locator("footer").innerText(), /reload it/);
    await page.screenshot({ path: `${SHOTS}oracle-without-scripts.png`, fullPage: true });
    assert.deepEqual(troubles, []);
  });
});

for (const flag of ["--empty", "--nothing"]) {
  test(`pages say what will appear while there is nothing: ${flag}`, async () => {
    const young = await start(flag);
    try {
      for (const path of ["/", "/rounds", "/disputes", "/nodes", "/model", "/oracle", "/accounts", "/house", "/jobs", "/blocks"]) {
        await visit({ viewport: { width: 390, height: 844 } }, async (page, troubles) => {
          await page.goto(young.address + path);
          await live(page);
          const { over, wide } = await page.evaluate(overhang);
          assert.ok(over <= 0 && wide.length === 0, `${path} sticks out by ${over}: ${wide}`);
          const name = path === "/" ? "now" : path.slice(1);
          await page.screenshot({ path: `${SHOTS}${name}${flag.slice(1)}.png`, fullPage: true });
          assert.deepEqual(troubles, [], path);
          const text = await page.locator("main").innerText();
          if (flag === "--nothing") assert.match(text, /appears?|starts|opens/, path);
        });
      }
    } finally {
      await young.stop();
    }
  });
}

test("what does not exist gets a page that helps", async () => {
  await visit({}, async (page) => {
    const numbered = ["/rounds/999", "/disputes/999", "/blocks/999999"];
    for (const path of [...numbered, "/nodes/x", "/tx/0x00", "/accounts/0x00", "/nowhere"]) {
      const response = await page.goto(fixture.address + path);
      assert.equal(response.status(), 404, path);
      assert.equal(await page.locator("h1").innerText(), "Not found", path);
      await live(page);
    }
    await page.goto(`${fixture.address}/rounds/999`);
    await page.screenshot({ path: `${SHOTS}missing.png` });
    assert.match(await page.locator("main").innerText(), /There are rounds 1 to \d+/);
    await page.getByRole("link", { name: "look in the list" }).click();
    assert.equal(new URL(page.url()).pathname, "/rounds");
  });
});

test("a page whose server is gone says so", async () => {
  const short = await start();
  await visit({}, async (page) => {
    await page.goto(`${short.address}/`);
    await live(page);
    await short.stop();
    await page.locator(".pulse.off", { hasText: "not connected" }).waitFor();
  });
});
