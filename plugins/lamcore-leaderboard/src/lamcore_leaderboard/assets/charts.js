"use strict";
// Draws the figures that lie in the page as JSON, in the colours of the theme.
(() => {
  const CONFIG = { displayModeBar: false, responsive: true, showLink: false };
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);

  const colour = (variable) => {
    probe.style.color = variable;
    return getComputedStyle(probe).color;
  };
  const resolved = (value) => {
    if (typeof value === "string") return value.startsWith("var(--") ? colour(value) : value;
    if (Array.isArray(value)) return value.map(resolved);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one)]));
    return value;
  };

  const figures = new Map();
  for (const script of document.querySelectorAll("script[data-for]"))
    figures.set(script.dataset.for, JSON.parse(script.textContent));

  // Names beside points need room; where there is little, a legend has them.
  const narrow = matchMedia("(max-width: 40rem)");
  const legible = (traces) =>
    narrow.matches
      ? traces.map((trace) => (trace.mode === "markers+text" ? { ...trace, mode: "markers", showlegend: true } : trace))
      : traces;

  const draw = async (key) => {
    const plot = document.getElementById(key);
    if (plot.closest("[hidden]")) return; // it has no width yet
    const figure = resolved(figures.get(key));
    await Plotly.react(plot, legible(figure.data), figure.layout, CONFIG);
    plot.dataset.drawn = "true";
  };
  const drawAll = async () => {
    for (const key of figures.keys()) await draw(key);
    document.documentElement.dataset.charts = "drawn";
  };

  // Of the members of a group the chosen one is shown.
  for (const select of document.querySelectorAll("select[data-switch]")) {
    const members = [...document.querySelectorAll(`[data-group="${select.dataset.switch}"]`)];
    const show = () => {
      for (const member of members) member.hidden = member.id !== `${select.value}-figure`;
    };
    select.addEventListener("change", () => { show(); drawAll(); });
    show();
  }

  document.addEventListener("themechange", drawAll);
  narrow.addEventListener("change", drawAll);
  drawAll();
})();
