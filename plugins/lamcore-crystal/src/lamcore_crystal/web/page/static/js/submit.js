// Upload: a form, a progress bar, and the way to the submission's page.
import { ApiError, errorFrom, get, hideProblem, showProblem, start, token } from "./api.js";
import { byId, fillList, h } from "./dom.js";
import { bytes, count } from "./format.js";
import { drawSubmissions } from "./submissions.js";

const form = byId("submit");
const files = byId("files");
let limits = {};
if (token.get()) form.elements.token.value = token.get();

const total = () => [...files.files].reduce((sum, one) => sum + one.size, 0);

files.addEventListener("change", () => {
  const n = files.files.length;
  byId("chosen").textContent = n ? `${count(n)} ${n === 1 ? `file: ${files.files[0].name}` : "files"}, ${bytes(total())}` : "No file chosen.";
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  byId("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) {
      files.files = event.dataTransfer.files;
      files.dispatchEvent(new Event("change"));
    }
  });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  hideProblem(byId("failure"));
  const button = form.querySelector("button.main");
  button.disabled = true;
  try {
    location.assign(await upload());
  } catch (error) {
    showProblem(error, byId("failure"));
    button.disabled = false;
    byId("progress").hidden = true;
  }
});

/** Send the form; the address of the submission's page, or the error that the server gave. */
function upload() {
  if (limits.max_submission_bytes && total() > limits.max_submission_bytes) {
    throw new ApiError(413, { code: "too large", message: `${bytes(total())} chosen; at most ${bytes(limits.max_submission_bytes)} are accepted`, advice: "Submit in parts." });
  }
  const body = new FormData();
  for (const one of files.files) body.append("file", one, one.name);
  for (const name of ["source", "submitter", "licence"]) body.append(name, form.elements[name].value.trim());
  body.append("split_blocks", String(form.elements.split_blocks.checked));
  token.set(form.elements.token.value.trim());
  const progress = byId("progress");
  progress.hidden = false;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch tells nothing of what was sent so far
    request.upload.onprogress = (event) => { if (event.lengthComputable) progress.value = event.loaded / event.total; };
    request.onerror = () => reject(new ApiError(0, { code: "no answer", message: "the upload was cut off", advice: "Nothing was submitted. Try again." }));
    request.onload = () => {
      if (![200, 202].includes(request.status)) return reject(errorFrom(request.status, request.responseText));
      const id = JSON.parse(request.responseText).id ?? request.getResponseHeader("Location").split("/").at(-1);
      return resolve(`/submissions/${encodeURIComponent(id)}`);
    };
    request.open("POST", "/api/v1/submissions");
    request.setRequestHeader("Authorization", `Bearer ${token.get()}`);
    request.send(body);
  });
}

start(async () => {
  const { round } = await get("challenge");
  limits = round?.settings ?? {};
  const one = limits.limits ?? {};
  fillList(byId("limits"), [
    ["Files", limits.max_files ? `at most ${count(limits.max_files)}` : null],
    ["Unpacked", limits.max_submission_bytes ? `at most ${bytes(limits.max_submission_bytes)}` : null],
    ["One file", one.max_bytes ? `at most ${bytes(one.max_bytes)}` : null],
    ["Atoms in a cell", one.max_sites ? `at most ${count(one.max_sites)}` : null],
    ["Sampling gate", limits.sampling ? h("span", {}, `${100 * limits.sampling.threshold} % of ${limits.sampling.size} drawn`) : null],
  ]);
  await drawSubmissions(byId("submissions"));
});
