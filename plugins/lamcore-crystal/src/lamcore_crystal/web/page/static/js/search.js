// The search: a form, a periodic table, a table of results, and all of it in the address.
import { get, hideProblem, showProblem, start } from "./api.js";
import { byId, fill, h, table } from "./dom.js";
import { count } from "./format.js";
import { periodicTable } from "./periodic.js";
import { fromAddress, fromForm, toAddress, toForm, withoutField } from "./query.js";
import { CRYSTAL_COLUMNS } from "./rows.js";

const LIMIT = 25;
const form = byId("search");
const must = new Set();
const mustNot = new Set();
let query = {};
let nextCursor = null;
let running = null;

const WORDS = { must: "must be present", not: "must be absent", any: "may be present" };
const HELP = byId("chosen").textContent;

const stateOf = (symbol) => (must.has(symbol) ? "must" : mustNot.has(symbol) ? "not" : "any");

const periodic = periodicTable(byId("periodic"), {
  label: "Elements; arrow keys move, Enter or Space changes",
  describe: (one) => {
    const state = stateOf(one.symbol);
    return { text: `${one.name}, ${one.symbol}: ${WORDS[state]}`, state, mark: { must: "+", not: "−", any: "" }[state],
      pressed: { must: "true", not: "mixed", any: "false" }[state] };
  },
  pressed: (symbol) => {
    if (must.delete(symbol)) mustNot.add(symbol);
    else if (!mustNot.delete(symbol)) must.add(symbol);
    drawMarks();
    submitForm();
  },
});

function drawMarks() {
  periodic.draw();
  const parts = [...[...must].map((one) => `+${one}`), ...[...mustNot].map((one) => `−${one}`)];
  byId("chosen").textContent = parts.length ? parts.join(" ") : HELP;
}

/** Go to a query: a new entry of the browser's history, unless it is where we are. */
function go(wanted, page = 1) {
  const address = toAddress(wanted);
  if (address !== location.pathname + location.search) history.pushState({ page }, "", address);
  return show();
}

function submitForm() {
  const { sort, descending } = query;
  go({ ...fromForm(form, must, mustNot, query), ...(sort ? { sort } : {}), ...(descending ? { descending } : {}) });
}

/** Read the address, ask for the page it names and draw it. */
async function show() {
  query = fromAddress(location.search);
  toForm(form, query, must, mustNot);
  drawMarks();
  running?.abort();
  running = new AbortController();
  byId("results").setAttribute("aria-busy", "true");
  try {
    const answer = await get("crystals", { ...query, limit: LIMIT }, running.signal);
    hideProblem();
    draw(answer);
  } catch (error) {
    if (error.name === "AbortError") return;
    showProblem(error);
    draw({ items: [], next: null, total: null, failed: true });
  }
  byId("results").setAttribute("aria-busy", "false");
}

function draw({ items, next, total, failed }) {
  nextCursor = next;
  const page = query.after ? history.state?.page ?? null : 1;
  const columns = CRYSTAL_COLUMNS.map((one) => ({ ...one,
    order: one.sort && one.sort === query.sort ? (query.descending ? "descending" : "ascending") : null }));
  fill(byId("results"), table(columns, items, { caption: "Crystals that fit", head,
    empty: failed ? "The search could not be made." : "No structure fits. Remove a condition, or widen a range." }));
  byId("count").textContent = failed ? "" : words(items.length, next, total);
  byId("page-number").textContent = page ? `page ${page}` : "";
  byId("first").disabled = !query.after;
  byId("previous").disabled = !(query.after && page > 1);
  byId("next").disabled = !next;
  fill(byId("conditions"), withoutField(query).map(([name, value]) =>
    h("li", {}, `${name.replaceAll("_", " ")}: ${value} `, h("button", { type: "button", class: "plain", "aria-label": `Remove ${name}`,
      onclick: () => { delete query[name]; submitForm(); } }, "×"))));
}

function words(shown, next, total) {
  if (total !== null && total !== undefined) return `${count(total)} ${total === 1 ? "structure" : "structures"}`;
  if (next || query.after) return `${shown} on this page`;
  return `${shown} ${shown === 1 ? "structure" : "structures"}`;
}

/** Heads of what the database can order by are buttons. */
function head(column) {
  const text = [column.label, column.unit ? h("span", { class: "unit" }, ` ${column.unit}`) : null];
  if (!column.sort) return text;
  return h("button", { type: "button", class: "sort", "data-sort": column.sort, onclick: async () => {
    const { after: _, sort, descending, ...rest } = query;
    const turn = sort === column.sort && !descending;
    await go({ ...rest, sort: column.sort, ...(turn ? { descending: "true" } : {}) });
    document.querySelector(`[data-sort=${column.sort}]`)?.focus();
  } }, text);
}

form.addEventListener("submit", (event) => { event.preventDefault(); submitForm(); });
form.addEventListener("change", (event) => { if (event.target.matches("select, [type=checkbox]")) submitForm(); });
form.addEventListener("reset", (event) => { event.preventDefault(); go({}); });
byId("next").addEventListener("click", () => go({ ...query, after: nextCursor }, (history.state?.page ?? 1) + 1));
byId("previous").addEventListener("click", () => history.back());
byId("first").addEventListener("click", () => { const { after: _, ...rest } = query; go(rest); });
addEventListener("popstate", () => start(show));

start(async () => {
  await show();
  const { sources } = await get("statistics");
  fill(byId("sources"), Object.keys(sources).map((one) => h("option", { value: one })));
});
