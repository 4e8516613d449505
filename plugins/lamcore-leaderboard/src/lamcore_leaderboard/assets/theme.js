"use strict";
// Runs before the page is painted, so that the remembered theme does not flash in.
(() => {
  const KEY = "lamcore-leaderboard-theme";
  const root = document.documentElement;

  const remembered = () => {
    try { return localStorage.getItem(KEY); } catch { return null; } // storage may be switched off
  };
  const remember = (theme) => {
    try { localStorage.setItem(KEY, theme); } catch { /* then the choice lasts as long as the page */ }
  };
  const current = () =>
    root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const announce = () => document.dispatchEvent(new Event("themechange"));

  const theme = remembered();
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const label = () => button.setAttribute("aria-label", `Switch to the ${current() === "dark" ? "light" : "dark"} theme`);
    button.addEventListener("click", () => {
      root.dataset.theme = current() === "dark" ? "light" : "dark";
      remember(root.dataset.theme);
      label();
      announce();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { label(); announce(); });
    label();
  });
})();
