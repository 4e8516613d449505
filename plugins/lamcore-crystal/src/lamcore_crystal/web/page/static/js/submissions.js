// The list of submissions, newest first.
import { get } from "./api.js";
import { fill, h, link, table } from "./dom.js";
import { count, time } from "./format.js";

export const statusTag = (status) => h("span", { class: `tag ${{ evaluated: "good", rejected: "off" }[status] ?? ""}` }, status);

const COLUMNS = [
  { label: "Submission", kind: "lead", cell: (row) => link(`/submissions/${encodeURIComponent(row.id)}`, String(row.id)) },
  { label: "Source", kind: "source", cell: (row) => row.source },
  { label: "Submitter", kind: "source", cell: (row) => row.submitter },
  { label: "Files", numeric: true, cell: (row) => count(row.n_files) },
  { label: "Status", cell: (row) => statusTag(row.status) },
  { label: "Received", cell: (row) => time(row.received_at) },
];

export async function drawSubmissions(where, after = undefined) {
  const answer = await get("submissions", { after });
  const rows = answer.items ?? answer;
  const more = answer.next ? h("button", { type: "button", onclick: () => drawSubmissions(where, answer.next) }, "Next") : null;
  fill(where, table(COLUMNS, rows, { caption: "Submissions", empty: "Nothing was submitted yet." }), more);
}
