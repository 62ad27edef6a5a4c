// What the pages do in a browser beyond htmx: copy a hash, say whether the page is live, draw the charts.
// Nothing here is needed to read a page; without scripts there are drawings and tables.
"use strict";

(() => {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.(".copy");
    if (!button) return;
    await copy(button.dataset.copy);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1200);
  });

  async function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Plain http from another machine has no clipboard interface.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  function pulse(state, words) {
    const element = document.getElementById("pulse");
    if (!element) return;
    element.className = `pulse ${state}`;
    if (element.textContent !== words) element.textContent = words;
  }

  document.addEventListener("htmx:sse:after:connection", () => pulse("on", "live"));
  for (const lost of ["htmx:sse:error", "htmx:sse:close"]) {
    document.addEventListener(lost, () => pulse("off", "not connected"));
  }

  // Charts. One figure a page at most; its canvas is left alone when the page is patched, and asks for its own data.
  const DASH = "—";
  let plot = null;
  let drawn = null;

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (value, unit) =>
    value == null ? DASH : `${value.toLocaleString("en", { maximumFractionDigits: value > 999 ? 2 : 4 })}${unit ? ` ${unit}` : ""}`;
  const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

  function look(series, nth) {
    const palette = [color("--accent"), color("--warn"), color("--bad")];
    const points = { show: (_, i, from, to) => to - from < 40 };
    if (series.role === "beside") {
      return { scale: "beside", stroke: color("--price"), width: 1.5, dash: [5, 4], points: { show: false } };
    }
    if (series.role === "line") return { scale: "y", stroke: palette[nth % palette.length], width: 2, points };
    return { scale: "y", stroke: color("--band"), width: 1, points: { show: false } };
  }

  function axes(chart) {
    const base = { stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    const unit = (role) => chart.series.find((series) => (series.role === "beside") === (role === "beside"))?.unit ?? "";
    // A short unit stands on each tick, a long one beside the axis.
    const scale = (of) => ({
      values: (_, ticks) => ticks.map((tick) => number(tick, of.length <= 2 ? of : "")),
      ...(of.length > 2 ? { label: of, labelSize: 22, labelGap: 2 } : {}),
    });
    const left = { ...base, scale: "y", size: 60, ...scale(unit("line")) };
    const bottom = { ...base, size: 34, ...(chart.time ? { values: (_, ticks) => ticks.map(day), space: 90 } : { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500] }) };
    if (!chart.series.some((series) => series.role === "beside")) return [bottom, left];
    const right = { ...base, scale: "beside", side: 1, size: 52, grid: { show: false }, ...scale(unit("beside")) };
    return [bottom, left, right];
  }

  const latest = (u) => u.setLegend({ idx: u.data[0].length - 1 }, false);

  function draw(host, chart) {
    let lines = 0;
    const series = chart.series.map((one) => ({
      label: one.label,
      value: (_, value) => number(value, one.unit),
      ...look(one, one.role === "line" ? lines++ : 0),
    }));
    const at = (role) => chart.series.findIndex((one) => one.role === role) + 1;
    const bands = at("lower") && at("upper") ? [{ series: [at("upper"), at("lower")], fill: color("--band") }] : [];
    const options = {
      width: host.clientWidth,
      height: host.clientWidth < 500 ? 240 : 300,
      // Every time is the market's own, in UTC.
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: { x: { time: chart.time } },
      series: [{ label: chart.axis, value: (_, x) => (x == null ? DASH : chart.time ? day(x) : number(x)) }, ...series],
      axes: axes(chart),
      bands,
      padding: [12, chart.series.some((one) => one.role === "beside") ? null : 36, null, null],
      legend: { markers: { width: 0, fill: (_, i) => series[i - 1]?.stroke } },
      // Without a cursor the legend says the latest values.
      hooks: { ready: [latest], setData: [latest], setCursor: [(u) => u.cursor.idx == null && latest(u)] },
      cursor: { drag: { x: false, y: false } },
    };
    plot?.destroy();
    host.replaceChildren();
    plot = new uPlot(options, [chart.x, ...chart.series.map((one) => one.values)], host);
    drawn = { host, chart };
  }

  async function refresh() {
    const host = document.querySelector("[data-chart]");
    if (!host || typeof uPlot === "undefined") return;
    const response = await fetch(host.dataset.chart, { cache: "no-store" }).catch(() => null);
    if (!response?.ok) return;
    const chart = await response.json();
    const same = drawn && drawn.host === host && drawn.chart.series.length === chart.series.length;
    if (same) {
      drawn.chart = chart;
      plot.setData([chart.x, ...chart.series.map((one) => one.values)]);
    } else {
      draw(host, chart);
    }
  }

  function again() {
    if (drawn?.host.isConnected) draw(drawn.host, drawn.chart);
  }

  document.addEventListener("htmx:after:swap", refresh);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let resizing = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(resizing);
    resizing = requestAnimationFrame(() => {
      if (drawn?.host.isConnected) plot.setSize({ width: drawn.host.clientWidth, height: plot.height });
    });
  });
  document.addEventListener("DOMContentLoaded", () => {
    pulse("", "connecting");
    refresh();
  });
})();
