// One submission, watched while it is worked on.
import { get, hideProblem, showProblem, start } from "./api.js";
import { byId, fill, fillList, h, link, table } from "./dom.js";
import { count, percent, time } from "./format.js";
import { crystalAddress } from "./rows.js";

const id = decodeURIComponent(location.pathname.split("/").at(-1));
const STEPS = ["received", "checked", "sampled", "evaluated"];
const WORDS = { refused: "refused by a check", checked: "checked, waiting", passed: "accepted", failed: "failed in or after relaxation" };
const SHORTEST = 2000;
const LONGEST = 15_000;
let wait = SHORTEST;
let seen = "";
let next = null;

start(async () => {
  byId("crumb").textContent = `submission ${id}`;
  byId("title").textContent = `Submission ${id}`;
  byId("status-filter").value = new URLSearchParams(location.search).get("status") ?? "refused";
  await watch();
});

/** Draw, and draw again after a while until nothing can change any more. */
async function watch() {
  if (!document.hidden) {
    try {
      const submission = await get(`submissions/${encodeURIComponent(id)}`);
      hideProblem();
      const state = JSON.stringify(submission);
      wait = state === seen ? Math.min(wait * 1.5, LONGEST) : SHORTEST;
      if (state !== seen) {
        seen = state;
        draw(submission);
        await drawFiles();
      }
      if (["evaluated", "rejected"].includes(submission.status)) {
        byId("live").textContent = "Finished.";
        return;
      }
    } catch (error) {
      showProblem(error);
      if (error.status >= 400 && error.status < 500) return;
      wait = LONGEST;
    }
  }
  setTimeout(watch, wait);
}

function draw(submission) {
  const parts = [submission.source, submission.submitter, `licence ${submission.licence}`, `${count(submission.n_files)} ${submission.n_files === 1 ? "file" : "files"}`];
  fill(byId("headline"), `${parts.filter(Boolean).join(" · ")} · received `, time(submission.received_at) ?? "–");
  const rejected = submission.status === "rejected";
  const names = rejected ? [...STEPS.slice(0, 3), "rejected"] : STEPS;
  const at = names.indexOf(submission.status);
  fill(byId("steps"), names.map((name, i) => h("li", { class: i < at || i === names.length - 1 && i === at ? (name === "rejected" ? "bad" : "done") : i === at ? "now" : null, "aria-current": i === at ? "step" : null }, name)));
  drawProgress(submission.progress ?? {}, rejected);
  drawGate(submission.gate);
  fillList(byId("counts"), Object.entries(WORDS).map(([status, words]) => [words, count(submission.counts?.[status] ?? 0)]));
  byId("live").textContent = `Seen at ${new Date().toISOString().slice(11, 19)} UTC; this page looks again by itself.`;
}

function drawProgress({ checked = 0, relaxed = 0, total = 0, files = total, to_relax: toRelax = total }, rejected) {
  const bar = (name, n, total) => h("label", { class: "progress" }, h("span", {}, name), h("progress", { max: Math.max(total, 1), value: n }), h("span", { class: "number" }, `${count(n)} of ${count(total)}`));
  fill(byId("progress"), bar("checked", checked, files), rejected ? null : bar("relaxed", relaxed, toRelax));
}

/** The share that passed, its interval and the threshold on one line from 0 to 1. */
function drawGate(gate) {
  if (!gate) {
    fill(byId("gate"), h("p", { class: "empty" }, "No structure was drawn yet."));
    return;
  }
  const words = { pass: "passed", fail: "not passed", undecided: "not decided yet" }[gate.decision] ?? gate.decision;
  const span = h("span", { class: `gate-span ${gate.decision}` });
  span.style.insetInlineStart = `${100 * gate.low}%`;
  span.style.inlineSize = `${100 * (gate.high - gate.low)}%`;
  const point = h("span", { class: "gate-point" });
  point.style.insetInlineStart = `${100 * gate.share}%`;
  const threshold = h("span", { class: "gate-threshold" });
  threshold.style.insetInlineStart = `${100 * gate.threshold}%`;
  fill(byId("gate"), h("p", {}, h("b", {}, words), `: ${gate.n_passed} of ${gate.n_drawn} drawn (${gate.n_planned} planned), ${percent(gate.share)}`),
    h("div", { class: "gate-line", "aria-hidden": "true" }, span, threshold, point),
    h("p", { class: "soft small" }, `${Math.round(100 * (gate.confidence ?? 0.95))} % interval ${percent(gate.low)} to ${percent(gate.high)}; at least ${percent(gate.threshold)} must pass.`));
}

const REASONS = [
  { label: "Code", kind: "lead", cell: (row) => (row.code ? h("code", {}, row.code) : null) },
  { label: "File", kind: "source", cell: (row) => [row.file, row.block ? h("span", { class: "soft" }, ` block ${row.block}`) : null].filter(Boolean) },
  { label: "What was found", kind: "text", cell: (row) => row.message },
  { label: "What it means and what to do", kind: "text", cell: (row) => [h("span", {}, row.meaning ?? "–"), row.advice ? h("span", { class: "advice" }, row.advice) : null].filter(Boolean) },
];
const PLACES = [
  { label: "Structure", kind: "lead", cell: (row) => (row.status === "passed" ? link(crystalAddress(row.id), `structure ${row.id}`) : `structure ${row.id}`) },
  REASONS[1],
];

async function drawFiles(after = undefined) {
  const status = byId("status-filter").value;
  const answer = await get(`submissions/${encodeURIComponent(id)}/structures`, { status, after, limit: 50 });
  next = answer.next ?? null;
  fill(byId("files"), table(["refused", "failed"].includes(status) ? REASONS : PLACES, answer.items ?? answer, { caption: "Files", empty: "None." }));
  byId("first").disabled = !after;
  byId("next").disabled = !next;
}

const again = (after) => drawFiles(after).catch((error) => showProblem(error));
byId("status-filter").addEventListener("change", () => {
  history.replaceState(null, "", `?${new URLSearchParams({ status: byId("status-filter").value })}`);
  again();
});
byId("first").addEventListener("click", () => again());
byId("next").addEventListener("click", () => again(next));
