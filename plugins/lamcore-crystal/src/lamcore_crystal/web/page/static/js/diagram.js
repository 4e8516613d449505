// Binary and ternary hull diagrams.
import { plain, subscripts } from "./charts.js";
import { amounts, fixed } from "./format.js";
import { STABLE_WITHIN } from "./rows.js";

/** Atomic fractions of the elements of a system in a formula. */
export function fractions(formula, elements) {
  const parts = new Map();
  for (const [symbol, n] of amounts(formula)) parts.set(symbol, (parts.get(symbol) ?? 0) + n);
  const total = [...parts.values()].reduce((sum, one) => sum + one, 0);
  return elements.map((symbol) => (parts.get(symbol) ?? 0) / total);
}

export const isStable = (entry) => entry.energy_above_hull <= STABLE_WITHIN;

/** Pairs of entries that share an edge of the hull, from edges or facets. */
export function edges({ edges: lines, facets }) {
  const pairs = new Map();
  for (const corners of lines?.length ? lines : facets ?? []) {
    corners.forEach((one, i) => corners.slice(i + 1).forEach((other) => {
      const pair = [one, other].sort((a, b) => a - b);
      pairs.set(pair.join("-"), pair);
    }));
  }
  return [...pairs.values()];
}

const hover = (entry) => `${subscripts(entry.formula)}<br>formation ${fixed(entry.formation_energy_per_atom)} eV/atom<br>above hull ${fixed(entry.energy_above_hull)} eV/atom<br>${plain(entry.origin)}`;

function marks(entries, colours, axes) {
  const kinds = [
    [entries.filter((one) => !isStable(one)), { symbol: "diamond", size: 8, color: colours.warm, opacity: 0.75 }, "markers"],
    [entries.filter(isStable), { symbol: "circle", size: 10, color: colours.good, line: { color: colours.panel, width: 1 } }, "markers+text"],
  ];
  return kinds.map(([kind, marker, mode]) => ({
    ...axes(kind), mode, marker, customdata: kind.map((one) => one.crystal_id ?? null), hoverinfo: "text", hovertext: kind.map(hover),
    ...(mode === "markers" ? {} : { text: kind.map((one) => subscripts(one.formula)), textposition: "top center", textfont: { color: colours.ink, size: 12 } }),
  }));
}

function binary(diagram, entries, lines, colours) {
  const x = (entry) => fractions(entry.formula, diagram.elements)[1];
  const y = (entry) => entry.formation_energy_per_atom;
  const segments = lines.flatMap(([one, other]) => [one, other, null]);
  return {
    data: [
      { type: "scatter", mode: "lines", hoverinfo: "skip", line: { color: colours.good, width: 1.5 }, x: segments.map((one) => one && x(one)), y: segments.map((one) => one && y(one)) },
      ...marks(entries, colours, (kind) => ({ type: "scatter", x: kind.map(x), y: kind.map(y), cliponaxis: false })),
    ],
    layout: {
      xaxis: { title: { text: `share of ${plain(diagram.elements[1])}, by atoms` }, range: [-0.03, 1.03] },
      yaxis: { title: { text: "formation energy, eV/atom" } },
      margin: { l: 64, r: 20, t: 24, b: 50 },
    },
  };
}

function ternary(diagram, entries, lines, colours) {
  const axes = (kind) => {
    const all = kind.map((one) => (one ? fractions(one.formula, diagram.elements) : [null, null, null]));
    return { type: "scatterternary", a: all.map((one) => one[0]), b: all.map((one) => one[1]), c: all.map((one) => one[2]), cliponaxis: false };
  };
  const axis = (symbol) => ({ title: { text: `<b>${plain(symbol)}</b>` }, gridcolor: colours.line, linecolor: colours.soft, tickfont: { size: 10, color: colours.soft }, min: 0, nticks: 5 });
  const [a, b, c] = diagram.elements;
  const unstable = entries.filter((one) => !isStable(one));
  const [above, below] = marks(entries, colours, axes);
  below.text = entries.filter(isStable).map((one) => (amounts(one.formula).length > 1 ? subscripts(one.formula) : ""));
  above.marker = { symbol: "diamond", size: 9, opacity: 0.9, color: unstable.map((one) => one.energy_above_hull), colorscale: [[0, colours.accent], [1, colours.warm]], cmin: 0,
    colorbar: { title: { text: "above hull, eV/atom", side: "top" }, orientation: "h", thickness: 9, len: 0.6, y: -0.12, yanchor: "top", outlinewidth: 0, nticks: 5 }, showscale: unstable.length > 0 };
  return {
    data: [{ ...axes(lines.flatMap(([one, other]) => [one, other, null])), mode: "lines", hoverinfo: "skip", line: { color: colours.good, width: 1.5 }, connectgaps: false }, above, below],
    layout: { ternary: { bgcolor: "rgba(0,0,0,0)", sum: 1, aaxis: axis(a), baxis: axis(b), caxis: axis(c) }, margin: { l: 40, r: 40, t: 40, b: 90 } },
  };
}

/** What plotly.js draws for a system of two or three elements. */
export function diagramFigure(diagram, shown, colours) {
  const lines = edges(diagram).map((pair) => pair.map((index) => diagram.entries[index]));
  return (diagram.elements.length === 2 ? binary : ternary)(diagram, shown, lines, colours);
}
