// Columns of a list of crystals, shared by the search, the structure's page and others.
import { h, link } from "./dom.js";
import { fixed, formula, spaceGroup } from "./format.js";

export const crystalAddress = (id) => `/crystals/${encodeURIComponent(id)}`;

export const isUnique = (row) => (row.duplicate_in_submission ?? row.duplicate_in_database ?? null) === null;

/** Energy above hull up to which something is stable, eV/atom: the one of the counts. */
export const STABLE_WITHIN = Number(document.documentElement.dataset.stableWithin);

export const aboveHull = (value) => {
  const text = fixed(value);
  return text === null ? null : h("span", { class: value <= STABLE_WITHIN ? "stable" : null }, text);
};

export const CRYSTAL_COLUMNS = [
  { label: "Formula", kind: "lead", cell: (row) => link(crystalAddress(row.id), formula(row.formula_pretty)) },
  { label: "Space group", cell: (row) => h("span", {}, spaceGroup(row.space_group_symbol), h("span", { class: "soft" }, ` ${row.space_group}`)) },
  { label: "Wyckoff", kind: "wyckoff", cell: (row) => row.wyckoff_letters },
  { label: "Atoms", numeric: true, cell: (row) => String(row.n_sites) },
  { label: "Above hull", unit: "eV/atom", numeric: true, sort: "energy_above_hull", cell: (row) => aboveHull(row.energy_above_hull) },
  { label: "Formation", unit: "eV/atom", numeric: true, sort: "formation_energy_per_atom", cell: (row) => fixed(row.formation_energy_per_atom) },
  { label: "Volume", unit: "Å³/atom", numeric: true, cell: (row) => fixed(row.volume_per_atom, 2) },
  { label: "Source", kind: "source", cell: (row) => row.source },
  { label: "Standing", cell: (row) => [isUnique(row) ? h("span", { class: "tag" }, "unique") : h("span", { class: "tag off" }, "repeat"), row.is_novel ? h("span", { class: "tag good" }, "novel") : null].filter(Boolean) },
];
