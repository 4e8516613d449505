// A periodic table of buttons: one stop of the Tab key, arrow keys inside.
import { fill, h } from "./dom.js";
import { ELEMENTS } from "./elements.js";

/** Put a button for each element; `describe(element)` gives {label, mark, class, style, detail}; `pressed` is called with the symbol. */
export function periodicTable(where, { describe, pressed, label }) {
  const buttons = new Map();
  where.setAttribute("role", "group");
  where.setAttribute("aria-label", label);
  for (const one of ELEMENTS) {
    const button = h("button", { type: "button", tabindex: one.z === 1 ? 0 : -1, "data-symbol": one.symbol, onclick: () => pressed(one.symbol) });
    button.style.gridRow = one.row;
    button.style.gridColumn = one.column;
    buttons.set(one.symbol, button);
  }
  where.addEventListener("keydown", (event) => move(event, buttons));
  where.addEventListener("focusin", (event) => {
    for (const button of buttons.values()) button.tabIndex = button === event.target ? 0 : -1;
  });
  const draw = () => {
    for (const one of ELEMENTS) {
      const button = buttons.get(one.symbol);
      const { text, mark = "", state = "", pressed: isPressed, share, detail = "" } = describe(one);
      button.setAttribute("aria-label", text);
      button.title = text;
      button.dataset.state = state;
      if (isPressed !== undefined) button.setAttribute("aria-pressed", isPressed);
      if (share !== undefined) button.style.setProperty("--share", `${Math.round(100 * share)}%`);
      fill(button, h("span", { class: "z", "aria-hidden": "true" }, String(one.z)), h("b", {}, one.symbol),
        h("span", { class: "mark", "aria-hidden": "true" }, mark || detail));
    }
  };
  fill(where, ...buttons.values());
  draw();
  return { draw };
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** Go to the nearest element in the direction of the key; Home and End go to the ends of the row. */
function move(event, buttons) {
  const here = ELEMENTS.find((one) => one.symbol === event.target.dataset.symbol);
  if (!here) return;
  const row = ELEMENTS.filter((one) => one.row === here.row).sort((a, b) => a.column - b.column);
  let there;
  if (event.key === "Home") [there] = row;
  else if (event.key === "End") there = row.at(-1);
  else if (STEPS[event.key]) {
    const [down, right] = STEPS[event.key];
    const ahead = ELEMENTS.filter((one) => (down ? (one.row - here.row) * down > 0 : one.row === here.row && (one.column - here.column) * right > 0));
    const far = (one) => (down ? Math.abs(one.row - here.row) * 3 + Math.abs(one.column - here.column) * 2 : Math.abs(one.column - here.column));
    ahead.sort((a, b) => far(a) - far(b));
    [there] = ahead;
  } else return;
  event.preventDefault();
  if (there) buttons.get(there.symbol).focus();
}
