// The hull explorer: a system in the address, its diagram and its entries.
import { ApiError, get, hideProblem, showProblem, start } from "./api.js";
import { chart, clear } from "./charts.js";
import { diagramFigure, isStable } from "./diagram.js";
import { byId, fill, h, link, sortableTable } from "./dom.js";
import { aboveHull, crystalAddress } from "./rows.js";
import { fixed, formula } from "./format.js";
import { BY_SYMBOL } from "./elements.js";

const form = byId("explore");

const COLUMNS = [
  { key: "formula", label: "Formula", kind: "lead", value: (row) => row.formula, cell: (row) => (row.crystal_id ? link(crystalAddress(row.crystal_id), formula(row.formula)) : formula(row.formula)) },
  { key: "above", label: "Above hull", unit: "eV/atom", numeric: true, value: (row) => row.energy_above_hull, cell: (row) => aboveHull(row.energy_above_hull) },
  { key: "formation", label: "Formation", unit: "eV/atom", numeric: true, value: (row) => row.formation_energy_per_atom, cell: (row) => fixed(row.formation_energy_per_atom) },
  { key: "stable", label: "Stable", value: (row) => (isStable(row) ? "yes" : "no"), cell: (row) => (isStable(row) ? h("span", { class: "tag good" }, "stable") : "no") },
  { key: "origin", label: "Entry", kind: "source", value: (row) => row.origin, cell: (row) => row.origin },
];

/** Symbols of what was typed: `li-o`, `Li O` and `Li,O` are the same. */
function symbols(text) {
  const all = [...new Set(text.split(/[^A-Za-z]+/).filter(Boolean).map((one) => one[0].toUpperCase() + one.slice(1).toLowerCase()))];
  const unknown = all.filter((one) => !BY_SYMBOL.has(one));
  if (unknown.length) throw new ApiError(0, { code: "not an element", message: unknown.join(", "), advice: "Give chemical symbols, such as Li-Fe-O." });
  if (all.length < 2 || all.length > 3) throw new ApiError(0, { code: "not drawn", message: `${all.length} elements given; a diagram has two or three`, advice: "Give two or three symbols, such as Li-O." });
  return all.sort();
}

async function show() {
  const given = new URLSearchParams(location.search);
  if (given.get("hull")) form.elements.hull.value = given.get("hull");
  if (given.get("limit")) form.elements.limit.value = given.get("limit");
  const system = given.get("system");
  if (!system) {
    byId("diagram-title").textContent = "No system is chosen";
    fill(byId("diagram"), h("p", { class: "empty" }, "Give two or three elements above, such as Li-O."));
    fill(byId("entries"));
    return;
  }
  form.elements.system.value = system;
  try {
    const names = symbols(system).join("-");
    const diagram = await get(`hulls/${encodeURIComponent(form.elements.hull.value)}/diagram/${encodeURIComponent(names)}`);
    hideProblem();
    await draw(diagram, names);
  } catch (error) {
    showProblem(error);
    byId("diagram-title").textContent = system;
    await clear(byId("diagram"));
    fill(byId("diagram"), h("p", { class: "empty" }, "There is no diagram to draw."));
    fill(byId("entries"));
  }
}

async function draw(diagram, names) {
  const typed = form.elements.limit.value.trim();
  const limit = typed === "" ? Infinity : Number(typed);
  const shown = diagram.entries.filter((one) => one.energy_above_hull <= limit);
  const hidden = diagram.entries.length - shown.length;
  const stable = diagram.entries.filter(isStable).length;
  byId("diagram-title").textContent = `${names}: ${diagram.entries.length} entries, ${stable} stable${hidden ? `, ${hidden} further above not shown` : ""}`;
  const where = byId("diagram");
  if (!where.dataset.drawn) fill(where);
  await chart(where, (colours) => diagramFigure(diagram, shown, colours), (point) => { if (point.customdata) location.assign(crystalAddress(point.customdata)); });
  sortableTable(byId("entries"), COLUMNS, shown, { key: "above", descending: false, caption: `Entries of ${names}` });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { hull, system, limit } = form.elements;
  history.pushState(null, "", `/hulls?${new URLSearchParams({ hull: hull.value, system: system.value.trim(), limit: limit.value })}`);
  start(show);
});
addEventListener("popstate", () => start(show));

start(async () => {
  const answer = await get("hulls");
  const hulls = answer.items ?? answer;
  fill(byId("hull"), hulls.map((one) => h("option", { value: one.id }, `${one.id}: ${one.name} (${one.kind}, ${one.n_entries} entries)`)));
  const challenge = await get("challenge");
  if (challenge.round?.hull) byId("hull").value = challenge.round.hull.id;
  await show();
});
