// The statistics of the database, as counted when structures were added.
import { get, start } from "./api.js";
import { bars } from "./bars.js";
import { servedChart } from "./charts.js";
import { byId, fill, h } from "./dom.js";
import { count } from "./format.js";
import { periodicTable } from "./periodic.js";
import { crystalAddress } from "./rows.js";

const SYSTEMS = ["triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic"];
const find = (parameters) => `/?${new URLSearchParams(parameters)}`;

start(async () => {
  const statistics = await get("statistics");
  byId("total").textContent = `${count(statistics.total)} structures in the open database, ${count(statistics.stable)} of them stable.`;
  drawElements(statistics.elements);
  bars(byId("systems"), SYSTEMS.map((name) => [name, statistics.crystal_systems[name] ?? 0, find({ crystal_system: name })]), { sorted: false });
  bars(byId("sources"), Object.entries(statistics.sources).map(([name, n]) => [name, n, find({ source: name })]));
  bars(byId("codes"), Object.entries(statistics.codes).map(([code, n]) => [code, n, null, statistics.code_meanings[code]]), { empty: "Nothing was refused." });
  if (!statistics.figures.length) {
    for (const name of ["hull-distance", "space-groups"]) fill(byId(name), h("p", { class: "empty" }, "Nothing to draw yet."));
    return;
  }
  await figure("hull-distance");
  await figure("space-groups", (point) => location.assign(find({ space_group: point.x })));
  if (statistics.figures.includes("parity")) {
    byId("parity-box").hidden = false;  // what is hidden has no size to be drawn in
    const { title } = await figure("parity", ({ customdata }) => { if (customdata?.[3]) location.assign(crystalAddress(customdata[3])); });
    byId("parity-title").textContent = title;
  }
});

/** A figure of the server, with what it says below it. */
async function figure(name, clicked = undefined) {
  const drawn = await servedChart(byId(name), name, clicked);
  byId(`${name}-text`).textContent = `${drawn.says} ${drawn.note}`;
  return drawn;
}

function drawElements(counts) {
  const most = Math.log1p(Math.max(...Object.values(counts), 1));
  periodicTable(byId("periodic"), {
    label: "Structures with each element; arrow keys move, Enter searches",
    describe: ({ symbol, name }) => {
      const n = counts[symbol] ?? 0;
      return { text: `${name}, ${symbol}: ${n} ${n === 1 ? "structure" : "structures"}`, state: n ? "some" : "none", share: Math.log1p(n) / most, detail: n ? short(n) : "" };
    },
    pressed: (symbol) => location.assign(find({ elements: symbol })),
  });
}

const short = (n) => (n < 1000 ? String(n) : n < 1e6 ? `${(n / 1e3).toPrecision(2)}k` : `${(n / 1e6).toPrecision(2)}M`);
