// The API, as its own OpenAPI document describes it; nothing is loaded from elsewhere.
import { get, start } from "./api.js";
import { byId, fill, h, table } from "./dom.js";

const COLUMNS = [
  { label: "Parameter", kind: "lead", cell: (row) => h("code", {}, row.name) },
  { label: "In", cell: (row) => row.in },
  { label: "Type", cell: (row) => type(row.schema ?? {}) },
  { label: "Default", cell: (row) => (row.schema?.default === undefined || row.schema.default === "" ? null : String(row.schema.default)) },
  { label: "Meaning", kind: "text", cell: (row) => row.description ?? row.schema?.description },
];

function type(schema) {
  const kinds = (schema.anyOf ?? [schema]).filter((one) => one.type !== "null");
  return kinds.map((one) => {
    if (one.enum) return one.enum.join(" | ");
    const range = [one.minimum, one.maximum].every((end) => end !== undefined && end < 1e9) ? `, ${one.minimum} to ${one.maximum}` : "";
    return `${one.type ?? "any"}${range}`;
  }).join(" or ");
}

function form(operation) {
  const { properties = {}, required = [] } = operation.requestBody?.content?.["multipart/form-data"]?.schema ?? {};
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "form", schema, description: required.includes(name) ? "required" : null }));
}

start(async () => {
  const { paths } = await get("openapi.json");
  const sections = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => {
    const rows = [...(operation.parameters ?? []), ...form(operation)];
    return h("section", { class: "panel" }, h("h2", {}, h("span", { class: "tag" }, method.toUpperCase()), h("code", {}, path)),
      h("p", {}, operation.description ?? operation.summary ?? ""),
      rows.length ? h("details", {}, h("summary", {}, `${rows.length} ${rows.length === 1 ? "parameter" : "parameters"}`), h("div", { class: "table-box" }, table(COLUMNS, rows, { caption: `Parameters of ${path}` }))) : null);
  }));
  fill(byId("endpoints"), sections);
});
