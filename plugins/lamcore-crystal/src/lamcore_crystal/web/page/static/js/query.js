// The search form, the address and the API's parameters: three forms of one query.
import { BY_SYMBOL } from "./elements.js";

const FIELDS = ["formula", "formula_anonymous", "n_elements", "space_group", "crystal_system", "wyckoff", "source",
  "min_hull", "max_hull", "min_sites", "max_sites"];
const FLAGS = ["unique", "novel"];
const ALONE = ["chemical_system", "prototype", "submission_id", "min_formation", "max_formation"];
const VIEW = ["sort", "descending", "after"];

/** The API's parameters that the page's address holds; unknown ones are dropped. */
export function fromAddress(search) {
  const given = new URLSearchParams(search);
  const known = ["elements", "any_of", "only", "exclude", ...FIELDS, ...FLAGS, ...ALONE, ...VIEW];
  return Object.fromEntries(known.filter((name) => given.get(name)).map((name) => [name, given.get(name)]));
}

export function toAddress(query) {
  const text = new URLSearchParams(Object.entries(query)).toString().replaceAll("%2C", ",");
  return text ? `/?${text}` : "/";
}

/** Parameters of what stands in the form and on the periodic table; order and place of the page are not in it. */
export function fromForm(form, must, mustNot, kept) {
  const query = Object.fromEntries(ALONE.filter((name) => kept[name]).map((name) => [name, kept[name]]));
  const marked = [...must].join(",");
  const mode = form.elements.mode.value;
  if (marked && (mode === "all" || mode === "exactly")) query.elements = marked;
  if (marked && mode === "any") query.any_of = marked;
  if (marked && (mode === "only" || mode === "exactly")) query.only = marked;
  if (mustNot.size) query.exclude = [...mustNot].join(",");
  for (const name of FIELDS) if (form.elements[name].value.trim()) query[name] = form.elements[name].value.trim();
  for (const name of FLAGS) if (form.elements[name].checked) query[name] = "true";
  return query;
}

/** Set form and marks to a query. */
export function toForm(form, query, must, mustNot) {
  const symbols = (text) => (text ?? "").split(",").filter((one) => BY_SYMBOL.has(one));
  must.clear();
  mustNot.clear();
  symbols(query.elements ?? query.any_of ?? query.only).forEach((one) => must.add(one));
  symbols(query.exclude).forEach((one) => mustNot.add(one));
  form.elements.mode.value = query.elements ? (query.only ? "exactly" : "all") : query.any_of ? "any" : query.only ? "only" : "all";
  for (const name of FIELDS) form.elements[name].value = query[name] ?? "";
  for (const name of FLAGS) form.elements[name].checked = query[name] === "true";
}

/** Conditions that the form has no field for, to be shown and removed one by one. */
export const withoutField = (query) => ALONE.filter((name) => query[name]).map((name) => [name, query[name]]);
