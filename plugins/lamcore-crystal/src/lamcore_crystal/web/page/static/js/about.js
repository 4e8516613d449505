// What this challenge is, and the rules of its round.
import { get, start } from "./api.js";
import { byId, fill, fillList, h } from "./dom.js";
import { count, hash, time } from "./format.js";

start(async () => {
  for (const one of document.querySelectorAll(".origin")) one.textContent = location.origin;
  const challenge = await get("challenge");
  const { round, counts = {} } = challenge;
  fillList(byId("challenge"), [
    ["Name", challenge.name],
    ["Licence of the data", challenge.licence],
    ["Reading", { open: "open to all", token: "with a token" }[challenge.read_access] ?? challenge.read_access],
    ...Object.entries(counts).map(([name, n]) => [words(name), typeof n === "number" ? count(n) : JSON.stringify(n)]),
    ["Round", round ? `${round.number}: ${round.name}` : null],
    ["Opened", time(round?.opened_at)],
    ["Closed", round?.closed_at ? time(round.closed_at) : "open"],
  ]);
  fillList(byId("model"), [
    ["Model", round?.model?.name],
    ...Object.entries(round?.model?.identity ?? {}).map(([name, value]) => [words(name), shown(value)]),
    ["Hull", round?.hull ? `${round.hull.id}, ${count(round.hull.n_entries)} entries` : "not made yet"],
    ["Hull, SHA-256", hash(round?.hull?.sha256)],
    ["Score", shown(round?.score ?? round?.settings?.score)],
  ]);
  drawRules(round?.settings ?? {});
});

const UNITS = { ang: "Å", ang3: "Å³", gpa: "GPa", deg: "°", mib: "MiB", g_cm3: "g/cm³", seconds: "s", bytes: "bytes" };
const BARE = { fmax: "eV/Å", formation_energy: "eV/atom", energy_window: "eV/atom", symprec: "Å" };

/** A setting's name in words, with the unit that it ends on or that it is known to have. */
function words(name) {
  if (BARE[name]) return `${name.replaceAll("_", " ")}, ${BARE[name]}`;
  const unit = Object.keys(UNITS).find((one) => name.endsWith(`_${one}`));
  return unit ? `${name.slice(0, -unit.length - 1).replaceAll("_", " ")}, ${UNITS[unit]}` : name.replaceAll("_", " ");
}

function shown(value) {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return hash(value);
  if (Array.isArray(value) && !value.some((one) => typeof one === "object")) return value.join(", ") || "none";
  return typeof value === "object" ? h("code", {}, JSON.stringify(value)) : String(value);
}

/** Settings group by group; a name carries its unit where it has one. */
function drawRules(settings) {
  const isGroup = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const groups = [["round", Object.entries(settings).filter(([, value]) => !isGroup(value))],
    ...Object.entries(settings).filter(([, value]) => isGroup(value)).map(([name, value]) => [name, Object.entries(value)])];
  fill(byId("rules"), h("div", { class: "columns even" }, groups.map(([name, values]) => {
    const list = h("dl");
    fillList(list, values.map(([key, value]) => [words(key), shown(value)]));
    return h("section", {}, h("h3", {}, words(name)), list);
  })));
}
