"use strict";
// Sorting, filtering and permalinks of the standings. What is shown is kept in the address after the #.
(() => {
  const table = document.getElementById("standings");
  const form = document.getElementById("filters");
  const body = table.tBodies[0];
  const nothing = body.querySelector(".nothing");
  const rows = [...body.rows].filter((row) => row !== nothing);
  const buttons = [...table.tHead.querySelectorAll("button[data-key]")];
  const fields = [...form.elements].filter((field) => field.name);
  const count = document.getElementById("count");
  const permalink = document.getElementById("permalink");
  const initial = buttons.find((button) => button.closest("th").hasAttribute("aria-sort")) || buttons[0];
  const state = { sort: initial.dataset.key, order: initial.dataset.first, row: "" };

  const compare = (index, order) => (one, other) => {
    const a = one.cells[index].dataset.value;
    const b = other.cells[index].dataset.value;
    if (a === "" || b === "") return (a === "") - (b === ""); // rows without a value stay last
    const difference = index === 0 ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
    return order === "ascending" ? difference : -difference;
  };

  const sort = () => {
    const button = buttons.find((one) => one.dataset.key === state.sort);
    const header = button.closest("th");
    for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", state.order);
    body.append(...rows.toSorted(compare(header.cellIndex, state.order)), nothing);
  };

  const fits = (row) =>
    fields.every((field) => {
      const wanted = field.value.trim().toLowerCase();
      if (!wanted) return true;
      if (field.name === "q") return wanted.split(/\s+/).every((word) => row.dataset.search.toLowerCase().includes(word));
      return (row.dataset[field.name] || "").toLowerCase().split("|").includes(wanted);
    });

  const filter = () => {
    const models = rows.filter((row) => !row.classList.contains("dummy"));
    for (const row of models) row.hidden = !fits(row);
    const shown = models.filter((row) => !row.hidden).length;
    nothing.hidden = shown > 0;
    const noun = models.length === 1 ? "model" : "models";
    count.textContent = shown === models.length ? `${shown} ${noun}` : `${shown} of ${models.length} ${noun} shown`;
  };

  const fragment = () => {
    const parameters = new URLSearchParams();
    if (state.sort !== initial.dataset.key || state.order !== initial.dataset.first) {
      parameters.set("sort", state.sort);
      parameters.set("order", state.order);
    }
    for (const field of fields) if (field.value) parameters.set(field.name, field.value);
    if (state.row) parameters.set("row", state.row);
    return `#${parameters}`;
  };

  const write = () => {
    permalink.href = fragment();
    history.replaceState(null, "", fragment() === "#" ? location.pathname + location.search : fragment());
  };

  const highlight = (scroll) => {
    for (const row of rows) row.classList.toggle("is-linked", row.id === state.row);
    const row = state.row && document.getElementById(state.row);
    if (row && scroll) row.scrollIntoView({ block: "center" });
  };

  const read = (event) => {
    const text = location.hash.slice(1);
    // The skip link and the sources' numbers lead to other places of the page: the view stays.
    if (event && text && !text.includes("=") && !text.startsWith("m-")) return;
    const parameters = new URLSearchParams(text.includes("=") ? text : "");
    const known = (key) => buttons.some((button) => button.dataset.key === key);
    state.sort = known(parameters.get("sort")) ? parameters.get("sort") : initial.dataset.key;
    const order = parameters.get("order");
    state.order = ["ascending", "descending"].includes(order) ? order : initial.dataset.first;
    const linked = text.startsWith("m-") && !text.includes("=") ? decodeURIComponent(text) : parameters.get("row");
    state.row = rows.some((row) => row.id === linked) ? linked : "";
    for (const field of fields) {
      const value = parameters.get(field.name) || "";
      field.value = value;
      if (field.value !== value) field.value = ""; // a choice that is not among the options
    }
    sort();
    filter();
    permalink.href = fragment();
    highlight(true);
  };

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const again = state.sort === button.dataset.key;
      const turned = state.order === "ascending" ? "descending" : "ascending";
      state.order = again ? turned : button.dataset.first;
      state.sort = button.dataset.key;
      sort();
      write();
    });
  }
  form.addEventListener("input", () => { filter(); write(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { filter(); write(); }));
  nothing.querySelector("[data-clear]").addEventListener("click", () => { form.reset(); form.elements.q.focus(); });
  body.addEventListener("click", (event) => {
    const anchor = event.target.closest("a.anchor");
    if (!anchor) return;
    event.preventDefault();
    state.row = anchor.hash.slice(1);
    write();
    highlight(false);
  });
  window.addEventListener("hashchange", read);
  read();

  // On a telephone the choices would fill the first screen; one that is in force stays in sight.
  const facets = form.querySelector(".facets");
  const narrow = matchMedia("(max-width: 40rem)");
  const fold = () => {
    facets.open = !narrow.matches || fields.some((field) => field.name !== "q" && field.value);
  };
  if (facets) { narrow.addEventListener("change", fold); fold(); }
})();
