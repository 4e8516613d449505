// The crystal in three dimensions, drawn by 3Dmol.js.
import { fill, h } from "./dom.js";
import { symbolOf } from "./elements.js";

const EDGE = 1e-3; // fractional: an atom on a face is drawn on the opposite one too
const MAX_ATOMS = 4000;

/** Atoms of `cells`³ cells, those on the far faces included: [[symbol, x, y, z], …] in Å. */
export function placedAtoms({ cell, fractional, numbers }, cells) {
  const atoms = [];
  fractional.forEach((site, index) => {
    const wrapped = site.map((one) => { const inside = one - Math.floor(one); return inside > 1 - EDGE ? inside - 1 : inside; });
    const images = wrapped.map((one) => Array.from({ length: cells + (one < EDGE ? 1 : 0) }, (_, shift) => one + shift));
    for (const a of images[0]) for (const b of images[1]) for (const c of images[2]) {
      atoms.push([symbolOf(numbers[index]), ...cartesian(cell, [a, b, c])]);
    }
  });
  return atoms;
}

const cartesian = (cell, [a, b, c]) => [0, 1, 2].map((axis) => a * cell[0][axis] + b * cell[1][axis] + c * cell[2][axis]);

/** A viewer in `where`; `show(crystal, cells)` draws, the first time with a new view. */
export function crystalViewer(where, legend) {
  const library = globalThis.$3Dmol;
  if (!library || !hasWebGL()) {
    fill(where, h("p", { class: "empty" }, "This browser draws no 3D (WebGL is off). The cell and its sites are below."));
    return { show: () => {}, reset: () => {}, draws: false };
  }
  const viewer = library.createViewer(where, { antialias: true, backgroundAlpha: 0, disableFog: true });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  viewer.setBackgroundColor("white", 0);
  let last = null;
  const show = (crystal, cells, keepView = true) => {
    const view = keepView && last ? viewer.getView() : null;
    last = [crystal, cells];
    viewer.removeAllModels();
    viewer.removeAllShapes();
    const fitting = Math.max(1, Math.min(cells, Math.floor(Math.cbrt(MAX_ATOMS / crystal.numbers.length))));
    const atoms = placedAtoms(crystal, fitting);
    const lines = atoms.map(([symbol, ...position]) => `${symbol} ${position.map((one) => one.toFixed(5)).join(" ")}`);
    viewer.addModel(`${atoms.length}\n\n${lines.join("\n")}`, "xyz");
    viewer.setStyle({}, { sphere: { scale: 0.28, colorscheme: "Jmol" }, stick: { radius: 0.09, colorscheme: "Jmol" } });
    drawCell(viewer, crystal.cell, dark.matches ? "#9daab9" : "#566373");
    if (view) viewer.setView(view);
    else reset(viewer);
    viewer.render();
    fill(legend, [...new Set(crystal.numbers)].map((z) => {
      const swatch = h("span", { class: "swatch" });
      swatch.style.background = colour(library, symbolOf(z));
      return h("li", {}, swatch, symbolOf(z));
    }));
    where.dataset.atoms = atoms.length;
  };
  dark.addEventListener("change", () => last && show(...last));
  where.addEventListener("keydown", (event) => turn(viewer, event));
  new ResizeObserver(() => viewer.resize()).observe(where);
  return { show, reset: () => { reset(viewer); viewer.render(); }, draws: true };
}

function reset(viewer) {
  viewer.setView([0, 0, 0, 0, 0, 0, 0, 1]);
  viewer.zoomTo();
  viewer.rotate(-75, "x");
  viewer.rotate(-20, "y");
}

function drawCell(viewer, cell, color) {
  const corners = [0, 1].flatMap((a) => [0, 1].flatMap((b) => [0, 1].map((c) => [a, b, c])));
  for (const start of corners) {
    for (const axis of [0, 1, 2]) {
      if (start[axis]) continue;
      const end = start.with(axis, 1);
      const [from, to] = [start, end].map((one) => { const [x, y, z] = cartesian(cell, one); return { x, y, z }; });
      viewer.addCylinder({ start: from, end: to, radius: 0.035, color });
    }
  }
}

const TURNS = { ArrowLeft: [-10, "y"], ArrowRight: [10, "y"], ArrowUp: [-10, "x"], ArrowDown: [10, "x"] };

function turn(viewer, event) {
  if (TURNS[event.key]) viewer.rotate(...TURNS[event.key]);
  else if (event.key === "+" || event.key === "=") viewer.zoom(1.15);
  else if (event.key === "-") viewer.zoom(1 / 1.15);
  else return;
  event.preventDefault();
  viewer.render();
}

const colour = (library, symbol) => `#${(library.elementColors.Jmol[symbol] ?? 0xff1493).toString(16).padStart(6, "0")}`;

function hasWebGL() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") ?? canvas.getContext("webgl"));
}
