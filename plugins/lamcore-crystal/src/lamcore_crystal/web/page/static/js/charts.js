// plotly.js, loaded when the first chart is drawn, in the colours of the page.
import { get, showProblem } from "./api.js";

const CONFIG = { displayModeBar: false, responsive: true };
const DARK = matchMedia("(prefers-color-scheme: dark)");
const NARROW = matchMedia("(max-width: 40rem)");

let loading = null;

function library() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/static/plotly.js";
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("plotly.js could not be loaded; reload the page"));
    document.head.append(script);
  });
  return loading;
}

const colour = (name) => {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
};

export function palette() {
  return Object.fromEntries(["ink", "soft", "line", "panel", "accent", "good", "bad", "warm"].map((name) => [name, colour(name)]));
}

/** Text that plotly.js takes for text: it reads a few HTML tags in labels. */
export const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export const subscripts = (formula) => plain(formula).replace(/(\d+(?:\.\d+)?)/g, "<sub>$1</sub>");

/** Draw, and again when the system changes between light and dark; `make(colours)` gives {data, layout}. `clicked` gets a point. */
export async function chart(where, make, clicked = undefined) {
  const Plotly = await library();
  const draw = async () => {
    const colours = palette();
    const { data, layout } = make(colours);
    const axis = { gridcolor: colours.line, zerolinecolor: colours.line, linecolor: colours.line, ticks: "outside", tickcolor: colours.line, automargin: true };
    const full = {
      margin: { l: 56, r: 14, t: 10, b: 46 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12.5, color: colours.ink }, hovermode: "closest",
      hoverlabel: { bgcolor: colours.panel, bordercolor: colours.soft, font: { color: colours.ink } }, showlegend: false,
      ...layout,
    };
    if (layout.xaxis) full.xaxis = { ...axis, ...layout.xaxis };
    if (layout.yaxis) full.yaxis = { ...axis, ...layout.yaxis };
    await Plotly.react(where, data, full, CONFIG);
    where.dataset.drawn = "true";
  };
  await keepDrawn(where, draw, [DARK], clicked);
}

/** Draw a figure of the server for this theme and width of the screen, and again when they change; gives it with its texts. */
export async function servedChart(where, name, clicked = undefined) {
  const Plotly = await library();
  let figure;
  const draw = async () => {
    figure = await get(`figures/${name}`, { theme: DARK.matches ? "dark" : "light" });
    const { data, layout } = forScreen(figure);
    where.setAttribute("role", "img");
    where.setAttribute("aria-label", figure.says);
    await Plotly.react(where, data, layout, CONFIG);
    where.dataset.drawn = "true";
  };
  await keepDrawn(where, draw, [DARK, NARROW], clicked);
  return figure;
}

function forScreen({ data, layout }) {
  const changes = layout.meta?.narrow;
  if (!NARROW.matches || !changes) return { data, layout };
  return { data: data.map((trace, i) => merged(trace, changes.traces[i] ?? {})), layout: merged(layout, changes.layout) };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

const merged = (base, changes) => Object.fromEntries([...new Set([...Object.keys(base), ...Object.keys(changes)])].map((key) => {
  if (!(key in changes)) return [key, base[key]];
  return [key, isObject(base[key]) && isObject(changes[key]) ? merged(base[key], changes[key]) : changes[key]];
}));

async function keepDrawn(where, draw, changes, clicked) {
  await draw();
  if (clicked) {
    where.removeAllListeners?.("plotly_click");
    where.on("plotly_click", ({ points }) => clicked(points[0]));
  }
  where.redraw?.abort();
  where.redraw = new AbortController();
  const again = () => draw().catch((error) => showProblem(error));
  for (const one of changes) one.addEventListener("change", again, { signal: where.redraw.signal });
}

export async function clear(where) {
  where.redraw?.abort();
  if (globalThis.Plotly) globalThis.Plotly.purge(where);
  delete where.dataset.drawn;
  where.replaceChildren();
}
