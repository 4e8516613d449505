// Sources and submissions, compared.
import { get, start } from "./api.js";
import { byId, h, link, sortableTable } from "./dom.js";
import { count, fixed, percent } from "./format.js";
import { aboveHull } from "./rows.js";

const MINUTE = 60_000;
const number = (key, label) => ({ key, label, numeric: true, value: (row) => row[key], cell: (row) => count(row[key]) });

/** A count with its share of all that was submitted, and the interval where one is given. */
const share = (key, label) => ({
  key, label, numeric: true, value: (row) => (row.n_submitted ? row[key] / row.n_submitted : null),
  cell: (row) => {
    if (row[key] === null || row[key] === undefined || !row.n_submitted) return null;
    const interval = row.intervals?.[key];
    return h("span", {}, percent(row[key] / row.n_submitted), h("span", { class: "soft small under" }, count(row[key]),
      interval ? ` · ${(100 * interval[0]).toFixed(0)}–${(100 * interval[1]).toFixed(0)} %` : null));
  },
});
const energy = (key, label) => ({ key, label, unit: "eV/atom", numeric: true, value: (row) => row[key], cell: (row) => aboveHull(row[key]) });

const FIGURES = [
  number("n_submitted", "Submitted"), share("n_valid", "Valid"), share("n_unique", "Unique"), share("n_novel", "Novel"),
  share("n_stable", "Stable"), share("n_sun", "S.U.N."), share("n_metasun", "MetaSUN"),
  energy("median_above_hull", "Median above hull"), energy("min_above_hull", "Lowest above hull"),
  { key: "score", label: "Score", numeric: true, value: (row) => row.score, cell: (row) => fixed(row.score, 4) },
];

const SOURCE = { key: "source", label: "Source", kind: "lead", value: (row) => row.source, cell: (row) => link(`/?${new URLSearchParams({ source: row.source })}`, row.source) };
const SUBMISSION = { key: "id", label: "Submission", kind: "lead", value: (row) => row.submission_id ?? row.id,
  cell: (row) => link(`/submissions/${encodeURIComponent(row.submission_id ?? row.id)}`, `${row.submission_id ?? row.id}`) };
const STATUS = { key: "status", label: "Status", value: (row) => row.status, cell: (row) => h("span", { class: `tag ${row.status === "rejected" ? "off" : ""}` }, row.status) };

async function show() {
  const board = await get("leaderboard");
  sortableTable(byId("sources"), [SOURCE, ...FIGURES], board.sources, { key: "n_sun", caption: "Sources", empty: "Nothing was submitted yet." });
  const plain = { key: "source", label: "Source", kind: "source", value: (row) => row.source, cell: (row) => row.source };
  sortableTable(byId("submissions"), [SUBMISSION, plain, STATUS, ...FIGURES], board.submissions, { key: "n_sun", caption: "Submissions", empty: "Nothing was submitted yet." });
}

start(show);
setInterval(() => { if (!document.hidden && !document.activeElement.closest("table")) start(show); }, MINUTE);
