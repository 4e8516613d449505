// The page of one structure.
import { get, showProblem, start } from "./api.js";
import { byId, fill, fillList, h, link, table } from "./dom.js";
import { downloads } from "./downloads.js";
import { symbolOf } from "./elements.js";
import { cellParameters, fixed, formula, hash, spaceGroup, time } from "./format.js";
import { aboveHull, crystalAddress, CRYSTAL_COLUMNS, STABLE_WITHIN } from "./rows.js";
import { crystalViewer } from "./viewer.js";

const id = decodeURIComponent(location.pathname.split("/").at(-1));
const withUnit = (value, unit) => (value === null || value === undefined ? null : h("span", {}, value, h("span", { class: "unit" }, ` ${unit}`)));
const search = (parameters, ...text) => link(`/?${new URLSearchParams(parameters)}`, ...text);

start(async () => {
  const crystal = await get(`crystals/${encodeURIComponent(id)}`);
  document.title = `${crystal.formula_pretty} ${crystal.id} · ${document.title.split(" · ").at(-1)}`;
  byId("crumb").textContent = `structure ${crystal.id}`;
  fill(byId("formula"), formula(crystal.formula_pretty));
  fill(byId("headline"), spaceGroup(crystal.space_group_symbol), ` · ${crystal.crystal_system} · from `,
    search({ source: crystal.source }, crystal.source), ` · ${crystal.name}`);
  drawEnergies(crystal);
  drawSymmetry(crystal);
  downloads(byId("downloads"), crystal);
  drawDecomposition(crystal);
  drawComparison(crystal);
  drawStanding(crystal);
  drawHistory(crystal);
  drawProvenance(crystal);
  drawSites(crystal);
  drawViewer(crystal);
  byId("crystal").setAttribute("aria-busy", "false");
  await drawSimilar();
});

if (document.referrer.startsWith(`${location.origin}/?`)) byId("back").href = new URL(document.referrer).search;

function drawEnergies(crystal) {
  fillList(byId("energies"), [
    ["Above hull", withUnit(aboveHull(crystal.energy_above_hull), "eV/atom")],
    ["Formation", withUnit(fixed(crystal.formation_energy_per_atom), "eV/atom")],
    ["Energy", withUnit(fixed(crystal.energy_per_atom, 4), "eV/atom")],
    ["Score", fixed(crystal.score, 4)],
  ]);
}

function drawSymmetry(crystal) {
  fillList(byId("symmetry"), [
    ["Space group", search({ space_group: crystal.space_group }, spaceGroup(crystal.space_group_symbol), ` (${crystal.space_group})`)],
    ["Pearson symbol", crystal.pearson],
    ["Wyckoff positions", search({ wyckoff: crystal.wyckoff }, crystal.wyckoff)],
    ["Prototype", search({ prototype: crystal.prototype }, crystal.prototype)],
    ["Chemical system", search({ chemical_system: crystal.chemical_system }, crystal.chemical_system)],
    ["Anonymous formula", search({ formula_anonymous: crystal.formula_anonymous }, formula(crystal.formula_anonymous))],
    ["Density", withUnit(fixed(crystal.density_g_cm3, 2), "g/cm³")],
  ]);
}

function drawDecomposition({ decomposition = [], energy_above_hull: above, n_elements: size, chemical_system: system, hull_id: hull }) {
  const columns = [
    { label: "Phase", kind: "lead", cell: (row) => (row.crystal_id ? link(crystalAddress(row.crystal_id), formula(row.formula)) : formula(row.formula)) },
    { label: "Amount", unit: "atom/atom", numeric: true, cell: (row) => fixed(row.amount, 4) },
    { label: "Entry", kind: "source", cell: (row) => row.origin },
  ];
  const sentence = above === null ? "No distance is known." : above > STABLE_WITHIN ? "Falls into these stable phases:" : above < -STABLE_WITHIN ? "Below the hull of these phases:" : "On the hull, which these phases span:";
  fill(byId("decomposition"), h("p", { class: "soft" }, sentence), table(columns, decomposition, { caption: "Decomposition", empty: "No phases are recorded." }),
    size === 2 || size === 3 ? h("p", {}, link(`/hulls?${new URLSearchParams({ hull, system })}`, `Hull diagram of ${system}`)) : null);
}

function drawComparison({ cell, submitted, relaxation }) {
  if (!submitted?.cell) {
    fill(byId("comparison"), h("p", { class: "empty" }, "The submitted cell is not kept."));
    return;
  }
  const [before, after] = [submitted.cell, cell].map(cellParameters);
  const names = ["a", "b", "c"].map((name, i) => [name, "Å", before.lengths[i], after.lengths[i], 3])
    .concat(["α", "β", "γ"].map((name, i) => [name, "°", before.angles[i], after.angles[i], 2]), [["V", "Å³", before.volume, after.volume, 2]]);
  const columns = [
    { label: "", cell: ([name, unit]) => [h("i", {}, name), h("span", { class: "unit" }, ` ${unit}`)], kind: "lead" },
    { label: "Submitted", numeric: true, cell: (row) => fixed(row[2], row[4]) },
    { label: "Relaxed", numeric: true, cell: (row) => fixed(row[3], row[4]) },
    { label: "Change", unit: "%", numeric: true, cell: (row) => fixed(100 * (row[3] / row[2] - 1), 2) },
  ];
  const list = h("dl");
  fillList(list, [
    ["Steps", relaxation?.n_steps === undefined ? null : String(relaxation.n_steps)],
    ["Largest force", withUnit(fixed(relaxation?.max_force, 4), "eV/Å")],
    ["Largest stress", withUnit(fixed(relaxation?.max_stress_gpa, 3), "GPa")],
  ]);
  fill(byId("comparison"), table(columns, names, { caption: "Cell before and after relaxation" }), list);
}

function drawStanding(crystal) {
  const same = (other) => (other ? h("span", {}, "repeats ", link(crystalAddress(other), `structure ${other}`)) : "unique");
  const sets = Object.entries(crystal.novelty ?? {}).map(([name, known]) => h("li", {}, known ? `in ${name}, as ${known}` : `not in ${name}`));
  const labels = Object.entries(crystal.labels ?? {}).map(([name, value]) => h("li", {}, `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`));
  const warnings = (crystal.warnings ?? []).map((one) => h("li", {}, h("code", {}, one.code), ` ${one.message}`));
  const listed = (items, none) => (items.length ? h("ul", { class: "plain" }, items) : none);
  fillList(byId("standing"), [
    ["In its submission", same(crystal.duplicate_in_submission)],
    ["In the database", same(crystal.duplicate_in_database)],
    ["Novelty", listed(sets, crystal.is_novel ? "novel" : "known")],
    ["Labels", listed(labels, null)],
    ["Warnings", listed(warnings, "none")],
  ]);
}

function drawHistory({ history = [] }) {
  const columns = [
    { label: "When", cell: (row) => time(row.at), kind: "lead" },
    { label: "What", cell: (row) => row.kind },
    { label: "Hull", cell: (row) => (row.hull_id ? String(row.hull_id) : null) },
    { label: "Above hull", unit: "eV/atom", numeric: true, cell: (row) => aboveHull(row.energy_above_hull) },
  ];
  fill(byId("history"), table(columns, history, { caption: "History", empty: "Nothing happened since it was accepted." }));
}

function drawProvenance(crystal) {
  const { relaxation = {} } = crystal;
  const versions = versionsOf(relaxation.environment ?? relaxation.provenance?.versions ?? {});
  fillList(byId("provenance"), [
    ["Submission", link(`/submissions/${encodeURIComponent(crystal.submission_id)}`, `submission ${crystal.submission_id}`)],
    ["File", crystal.name],
    ["Raw bytes, SHA-256", hash(crystal.content_sha256)],
    ["Identity, SHA-256", hash(crystal.identity_sha256)],
    ["Model", String(crystal.model?.name ?? crystal.model_id)],
    ["Hull", String(crystal.hull_id)],
    ["Relaxation settings", hash(relaxation.settings_sha256)],
    ["Computed on", [relaxation.provenance?.device, relaxation.provenance?.dtype].filter(Boolean).join(", ") || null],
    ["Versions", versions || null],
    ["Accepted", time(crystal.added_at)],
    ["Licence", crystal.licence],
  ]);
}

/** Names and versions, whether they stand side by side or grouped. */
function versionsOf(environment) {
  const flat = (name, value) => (value !== null && typeof value === "object" ? Object.entries(value).flatMap(([key, one]) => flat(key, one)) : [`${name} ${value}`]);
  return Object.entries(environment).flatMap(([name, value]) => flat(name, value)).join(", ");
}

function drawSites({ fractional, numbers }) {
  const columns = [
    { label: "Site", numeric: true, cell: (row) => String(row.index + 1) },
    { label: "Element", cell: (row) => symbolOf(row.z) },
    ...["x", "y", "z"].map((label, axis) => ({ label, numeric: true, cell: (row) => fixed(row.site[axis], 5) })),
  ];
  const rows = fractional.map((site, index) => ({ site, index, z: numbers[index] }));
  fill(byId("sites"), table(columns, rows, { caption: "Fractional coordinates" }));
  byId("sites-box").open = rows.length <= 12;
}

function drawViewer(crystal) {
  const viewer = crystalViewer(byId("viewer"), byId("legend"));
  const shown = { relaxed: crystal, submitted: crystal.submitted?.cell ? crystal.submitted : null };
  let which = "relaxed";
  const draw = (keepView = true) => viewer.show(shown[which], Number(byId("cells").value), keepView);
  for (const name of ["relaxed", "submitted"]) {
    const button = byId(`show-${name}`);
    button.disabled = !viewer.draws || !shown[name];
    button.addEventListener("click", () => {
      which = name;
      for (const other of ["relaxed", "submitted"]) byId(`show-${other}`).setAttribute("aria-pressed", String(other === name));
      draw();
    });
  }
  byId("cells").addEventListener("change", () => draw(false));
  byId("reset-view").addEventListener("click", viewer.reset);
  if (viewer.draws) draw(false);
}

/** The structures that share prototype or formula, page after page; the structure itself is left out. */
async function drawSimilar(after = undefined) {
  const by = byId("similar-by").value;
  const answer = await get(`crystals/${encodeURIComponent(id)}/similar`, { by, limit: 11, after });
  const others = answer.items.filter((row) => String(row.id) !== id);
  const more = answer.next ? h("button", { type: "button", onclick: () => again(answer.next) }, "Next") : null;
  fill(byId("similar"), h("div", { class: "table-box" }, table(CRYSTAL_COLUMNS, others, { caption: "Similar structures", empty: `No other structure has this ${by}.` })), more);
}

const again = (after) => drawSimilar(after).catch((error) => showProblem(error));
byId("similar-by").addEventListener("change", () => again());
