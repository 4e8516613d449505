// The statistics of the database, as counted when structures were added.
import { get, start } from "./api.js";
import { bars } from "./bars.js";
import { chart } from "./charts.js";
import { byId } from "./dom.js";
import { count, fixed } from "./format.js";
import { periodicTable } from "./periodic.js";
import { crystalAddress } from "./rows.js";

const SYSTEMS = ["triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic"];
const ENDS = [2, 15, 74, 142, 167, 194, 230];
const find = (parameters) => `/?${new URLSearchParams(parameters)}`;

start(async () => {
  const statistics = await get("statistics");
  byId("total").textContent = `${count(statistics.total)} structures in the open database.`;
  drawElements(statistics.elements);
  bars(byId("systems"), SYSTEMS.map((name) => [name, statistics.crystal_systems[name] ?? 0, find({ crystal_system: name })]), { sorted: false });
  bars(byId("sources"), Object.entries(statistics.sources).map(([name, n]) => [name, n, find({ source: name })]));
  bars(byId("codes"), Object.entries(statistics.codes).map(([code, n]) => [code, n, null, statistics.code_meanings?.[code]]), { empty: "Nothing was refused." });
  await chart(byId("distance"), (colours) => distance(statistics.hull_distance, colours));
  await chart(byId("space-groups"), (colours) => spaceGroups(statistics.space_groups, colours), (point) => location.assign(find({ space_group: point.x })));
  if (statistics.parity?.points?.length) {
    byId("parity-box").hidden = false;
    byId("parity-title").textContent = `Energy above hull against ${statistics.parity.reference}`;
    await chart(byId("parity"), (colours) => parity(statistics.parity, colours), (point) => { if (point.customdata) location.assign(crystalAddress(point.customdata)); });
  }
});

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

/** Bins between edges; where there are two counts more than that, the first and the last bin are open. */
function bins({ edges, counts }) {
  const inner = edges.slice(1).map((edge, i) => ({ low: edges[i], high: edge, words: `${fixed(edges[i], 2)} to ${fixed(edge, 2)}` }));
  if (counts.length === inner.length) return inner.map((one, i) => ({ ...one, n: counts[i] }));
  const step = edges[1] - edges[0];
  const [first, last] = [edges[0], edges.at(-1)];
  const all = [{ low: first - step, high: first, words: `below ${fixed(first, 2)}` }, ...inner, { low: last, high: last + step, words: `${fixed(last, 2)} and more` }];
  return all.map((one, i) => ({ ...one, n: counts[i] }));
}

function distance(given, colours) {
  const all = bins(given);
  const held = all.filter((one) => one.n);
  const width = all.map(({ low, high }) => high - low);
  const middle = all.map(({ low, high }) => (low + high) / 2);
  const color = middle.map((one) => (one < 0 ? colours.good : colours.accent));
  const counts = all.map((one) => one.n);
  const hovertext = all.map(({ words, n }) => `${words} eV/atom<br>${count(n)} structures`);
  const range = held.length ? [Math.min(held[0].low, -0.05) - 0.02, Math.max(held.at(-1).high, 0.1) + 0.02] : [-0.5, 1];
  return {
    data: [{ type: "bar", x: middle, y: counts, width, marker: { color, line: { width: 0 } }, hoverinfo: "text", hovertext, textposition: "none" }],
    layout: { bargap: 0, xaxis: { title: { text: "energy above hull, eV/atom" }, range }, yaxis: { title: { text: "structures" }, rangemode: "tozero" } },
  };
}

function spaceGroups(groups, colours) {
  const numbers = Object.keys(groups).map(Number).sort((a, b) => a - b);
  const system = (number) => SYSTEMS[ENDS.findIndex((end) => number <= end)];
  return {
    data: [{ type: "bar", x: numbers, y: numbers.map((one) => groups[one]), width: 1.6, marker: { color: numbers.map((one) => (SYSTEMS.indexOf(system(one)) % 2 ? colours.warm : colours.accent)) },
      hoverinfo: "text", hovertext: numbers.map((one) => `space group ${one}, ${system(one)}<br>${count(groups[one])} structures`), textposition: "none" }],
    layout: {
      xaxis: { title: { text: "space group" }, range: [0, 231], tickvals: ENDS }, yaxis: { title: { text: "structures" }, rangemode: "tozero" },
      shapes: ENDS.slice(0, -1).map((end) => ({ type: "line", xref: "x", yref: "paper", x0: end + 0.5, x1: end + 0.5, y0: 0, y1: 1, line: { color: colours.line, width: 1, dash: "dot" } })),
    },
  };
}

function parity({ points }, colours) {
  const all = points.flatMap(([reference, ours]) => [reference, ours]);
  const ends = [Math.min(...all), Math.max(...all)];
  return {
    data: [
      { type: "scatter", mode: "lines", x: ends, y: ends, hoverinfo: "skip", line: { color: colours.soft, dash: "dot" } },
      { type: "scattergl", mode: "markers", x: points.map((one) => one[0]), y: points.map((one) => one[1]), customdata: points.map((one) => one[2] ?? null), marker: { color: colours.accent, size: 5, opacity: 0.6 } },
    ],
    layout: { xaxis: { title: { text: "reference, eV/atom" } }, yaxis: { title: { text: "here, eV/atom" } } },
  };
}
