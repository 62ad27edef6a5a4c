// What a page is judged by, measured inside it. Each function runs in the browser and returns plain values.

/** Returns how far the page can be scrolled sideways, in pixels, and what sticks out. */
export function overhang() {
  const root = document.documentElement;
  const over = root.scrollWidth - root.clientWidth;
  const inside = (element) => element.closest(".scroll, nav, .u-over, .u-under, .skip");
  const wide = [...document.querySelectorAll("body *")].filter(
    (element) => !inside(element) && element.getBoundingClientRect().right > root.clientWidth + 1,
  );
  return { over, wide: wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)) };
}

/** Returns texts whose contrast with what lies behind them is under 4.5 to 1 (3 to 1 when large). */
export function faint() {
  const channels = (color) => {
    const numbers = color.match(/-?[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    const scale = color.startsWith("color(") ? 255 : 1;
    const [r, g, b, a = 1] = numbers;
    return { rgb: [r * scale, g * scale, b * scale], a };
  };
  const over = (top, below) => top.rgb.map((value, i) => value * top.a + below[i] * (1 - top.a));
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const color = channels(getComputedStyle(element).backgroundColor);
    return color.a === 1 ? color.rgb : over(color, ground(element.parentElement));
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest("noscript, script")) continue;
    const style = getComputedStyle(element);
    const behind = ground(element);
    const [high, low] = [light(over(channels(style.color), behind)), light(behind)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const least = Number.parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if (ratio < least) found.push(`${text.slice(0, 40)} (${ratio.toFixed(2)})`);
  }
  return found;
}

/** Returns how many distinct colours the chart's canvas holds, and how much of it is painted. */
export function painted() {
  const canvas = document.querySelector(".plot canvas");
  if (!canvas) return { colors: 0, share: 0 };
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colors = new Set();
  let painted = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 0) continue;
    painted += 1;
    colors.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  }
  return { colors: colors.size, share: painted / (canvas.width * canvas.height) };
}

/** Returns what has the keyboard's focus and whether a reader can see that. */
export function focus() {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    tag: element.tagName.toLowerCase(),
    text: (element.getAttribute("aria-label") ?? element.textContent).trim().slice(0, 60),
    ring: style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2,
    onScreen: box.width > 0 && box.right > 0 && box.bottom > 0,
  };
}
