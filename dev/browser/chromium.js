// The browser that all tests here share the way of starting and watching.

import { chromium } from "playwright-core";

const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the system's Chromium, which asks nothing of the network. */
export function launch() {
  return chromium.launch({ executablePath: process.env.ASSAY_CHROMIUM, args: QUIET });
}

/** Opens a page that notes everything that goes wrong in it, and closes it after `use`. */
export async function visit(browser, options, use) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const troubles = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) troubles.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => troubles.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    if (new URL(request.url()).hostname !== "127.0.0.1") troubles.push(`left the machine: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.status()}: ${response.url()}`);
  });
  try {
    await use(page, troubles);
  } finally {
    await context.close();
  }
}
