// Bars made of elements: names are text, and links can be followed with the keyboard.
import { fill, h, link } from "./dom.js";
import { count } from "./format.js";

/** Rows [[label, n, address or null], …], the largest first. */
export function bars(where, rows, { empty = "Nothing here.", sorted = true } = {}) {
  const shown = sorted ? [...rows].sort((a, b) => b[1] - a[1]) : rows;
  const most = Math.max(...shown.map((row) => row[1]), 1);
  if (!shown.length) {
    fill(where, h("p", { class: "empty" }, empty));
    return;
  }
  fill(where, h("ul", { class: "plain" }, shown.map(([label, n, address, note]) => {
    const bar = h("span", { class: "bar-length" });
    bar.style.inlineSize = `${(100 * n) / most}%`;
    return h("li", {}, h("span", { class: "bar-name" }, address ? link(address, label) : label, note ? h("span", { class: "soft small" }, ` ${note}`) : null),
      h("span", { class: "bar-track", "aria-hidden": "true" }, bar), h("span", { class: "bar-count" }, count(n)));
  })));
}
