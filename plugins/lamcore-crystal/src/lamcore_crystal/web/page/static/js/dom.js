// Elements made from text alone: nothing here parses HTML.

/** An element: properties are set as attributes, `on…` as listeners, children as text or nodes. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

export function fill(where, ...children) {
  where.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

/** Rows of a description list: [[term, node or text], …]; what is null is shown as a dash. */
export function fillList(where, rows) {
  fill(where, rows.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value ?? "–")]));
}

/** A link inside the page; only own addresses are ever given. */
export const link = (address, ...text) => h("a", { href: address }, ...text);

/** A table; columns are {label, unit, cell(row), numeric, sort}. `heads` may replace the text of a head. */
export function table(columns, rows, { caption, head = (column) => label(column), empty = "Nothing here." } = {}) {
  if (!rows.length) return h("p", { class: "empty" }, empty);
  const heads = columns.map((column) =>
    h("th", { scope: "col", class: column.numeric ? "number" : null, "aria-sort": column.order }, head(column)));
  const body = rows.map((row) =>
    h("tr", {}, columns.map((column) =>
      h("td", { class: column.numeric ? "number" : column.kind, "data-label": plainLabel(column) },
        [column.cell(row) ?? "–"].flat()))));
  return h("table", {}, caption ? h("caption", { class: "visually-hidden" }, caption) : null,
    h("thead", {}, h("tr", {}, heads)), h("tbody", {}, body));
}

const label = (column) => [column.label, column.unit ? h("span", { class: "unit" }, ` ${column.unit}`) : null];
const plainLabel = (column) => (column.unit ? `${column.label}, ${column.unit}` : column.label);

/** A table that is sorted in the browser by a click on a head. */
export function sortableTable(where, columns, rows, { key, descending = true, caption, empty } = {}) {
  const draw = (by, down) => {
    const column = columns.find((one) => one.key === by);
    const sorted = column ? [...rows].sort((a, b) => compare(column.value(a), column.value(b), down)) : rows;
    const shown = columns.map((one) => ({ ...one, order: one.key === by ? (down ? "descending" : "ascending") : null }));
    const head = (one) => h("button", { type: "button", class: "sort", "data-key": one.key, onclick: () => {
      draw(one.key, one.key === by ? !down : one.numeric === true);
      where.querySelector(`[data-key="${one.key}"]`).focus();
    } }, label(one));
    fill(where, table(shown, sorted, { caption, head, empty }));
  };
  draw(key, descending);
}

/** What has no value goes last in either order. */
function compare(a, b, down) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  const order = typeof a === "string" ? a.localeCompare(b) : a - b;
  return down ? -order : order;
}
