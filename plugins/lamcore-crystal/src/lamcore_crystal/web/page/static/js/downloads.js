// Files of a structure: plain links, or fetched with the token where the challenge asks for one.
import { blob, showProblem, token } from "./api.js";
import { fill, h } from "./dom.js";

export function downloads(where, { id, formula_pretty: formula }) {
  const base = `/api/v1/crystals/${encodeURIComponent(id)}`;
  const files = [
    ["CIF", `${base}/file.cif`, "cif"], ["POSCAR", `${base}/file.poscar`, "poscar"],
    ["extxyz", `${base}/file.extxyz`, "extxyz"], ["JSON", `${base}/file.json`, "json"],
    ["as submitted", `${base}/raw`, "cif"],
  ];
  fill(where, files.map(([name, address, suffix]) => {
    const file = `${formula}-${id}${name === "as submitted" ? "-submitted" : ""}.${suffix}`;
    return h("a", { class: "button", href: address, download: file, onclick: (event) => withToken(event, address, file) }, name);
  }));
}

function withToken(event, address, file) {
  if (!token.get()) return;
  event.preventDefault();
  blob(address).then((data) => {
    const url = URL.createObjectURL(data);
    h("a", { href: url, download: file }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }).catch((error) => showProblem(error));
}
