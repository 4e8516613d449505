// Sources and submissions, compared.
import { get, start } from "./api.js";
import { byId, h, link, sortableTable } from "./dom.js";
import { count, fixed, percent } from "./format.js";
import { aboveHull } from "./rows.js";

const MINUTE = 60_000;
const number = (key, label) => ({ key, label, numeric: true, value: (row) => row[key], cell: (row) => count(row[key]) });

/** A share of all that was submitted, with its count and its interval. */
const share = (key, label) => ({
  key, label, numeric: true, value: (row) => (row.n_submitted ? row[key].share : null),
  cell: (row) => {
    if (!row.n_submitted) return null;
    const { n, share: part, low, high } = row[key];
    const under = [count(n), `${(100 * low).toFixed(0)}–${(100 * high).toFixed(0)} %`].map((text) => h("span", { class: "soft small under" }, text));
    return h("span", {}, percent(part), under);
  },
});
const energy = (key, label) => ({ key, label, unit: "eV/atom", numeric: true, value: (row) => row[key], cell: (row) => aboveHull(row[key]) });

const FIGURES = [
  number("n_submitted", "Submitted"), share("valid", "Valid"), share("unique", "Unique"), share("novel", "Novel"),
  share("stable", "Stable"), share("sun", "S.U.N."), share("metasun", "MetaSUN"),
  energy("median_energy_above_hull", "Median above hull"), energy("min_energy_above_hull", "Lowest above hull"),
  { key: "median_score", label: "Median score", numeric: true, value: (row) => row.median_score, cell: (row) => fixed(row.median_score, 4) },
];

const SOURCE = { key: "name", label: "Source", kind: "lead", value: (row) => row.name, cell: (row) => link(`/?${new URLSearchParams({ source: row.name })}`, row.name) };
const SUBMISSION = { key: "id", label: "Submission", kind: "lead id", value: (row) => row.submission_id,
  cell: (row) => link(`/submissions/${encodeURIComponent(row.submission_id)}`, String(row.submission_id)) };
const STATUS = { key: "status", label: "Status", value: (row) => row.status, cell: (row) => h("span", { class: `tag ${row.status === "rejected" ? "off" : ""}` }, row.status) };

async function show() {
  const board = await get("leaderboard");
  sortableTable(byId("sources"), [SOURCE, ...FIGURES], board.sources, { key: "sun", caption: "Sources", empty: "Nothing was submitted yet." });
  const plain = { key: "name", label: "Source", kind: "source", value: (row) => row.name, cell: (row) => row.name };
  sortableTable(byId("submissions"), [SUBMISSION, plain, STATUS, ...FIGURES], board.submissions, { key: "sun", caption: "Submissions", empty: "Nothing was submitted yet." });
}

start(show);
setInterval(() => { if (!document.hidden && !document.activeElement.closest("table")) start(show); }, MINUTE);
