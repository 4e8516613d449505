"use strict";
// Draws the figures that lie in the page as JSON, in the colours of the theme and for the width of the screen.
(() => {
  const CONFIG = { displayModeBar: false, responsive: true };
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 40rem)");
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  const merged = (base, changes) => {
    const result = { ...base };
    for (const [key, value] of Object.entries(changes))
      result[key] = isObject(value) && isObject(base[key]) ? merged(base[key], value) : value;
    return result;
  };

  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const coloured = (value) => {
    if (typeof value === "string") {
      if (!/^var\(--[a-z0-9-]+\)$/.test(value)) return value;
      probe.style.color = value;
      return getComputedStyle(probe).color;
    }
    if (Array.isArray(value)) return value.map(coloured);
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, coloured(one)]));
    return value;
  };

  const forScreen = (figure) => {
    const changes = figure.layout.meta?.narrow;
    if (!narrow.matches || !changes) return figure;
    return {
      data: figure.data.map((trace, i) => merged(trace, changes.traces[i] ?? {})),
      layout: merged(figure.layout, changes.layout),
    };
  };

  const figures = new Map();
  for (const script of document.querySelectorAll("script[data-figure]"))
    figures.set(script.dataset.figure, JSON.parse(script.textContent));

  const draw = async () => {
    for (const [key, figure] of figures) {
      const { data, layout } = coloured(forScreen(figure));
      await Plotly.react(document.getElementById(key), data, layout, CONFIG);
    }
    root.dataset.figures = "drawn";
  };

  const button = document.getElementById("theme");
  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const told = () => button.setAttribute("aria-label", `Switch to the ${isDark() ? "light" : "dark"} theme`);
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    told();
    draw();
  });
  dark.addEventListener("change", () => { told(); draw(); });
  narrow.addEventListener("change", draw);
  told();
  draw();
})();
