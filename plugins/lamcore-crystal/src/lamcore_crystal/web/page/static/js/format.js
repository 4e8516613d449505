// Numbers, formulae and times as people read them.
import { h } from "./dom.js";

const MINUS = "\u2212";

/** A number with a fixed count of decimals; null where there is none. */
export function fixed(value, decimals = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return null;
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** Grouped by thin spaces. */
export function count(value) {
  if (value === null || value === undefined) return null;
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export const percent = (share) => (share === null || share === undefined ? null : `${(100 * share).toFixed(1)} %`);

export function bytes(size) {
  if (size < 1000) return `${size} B`;
  return size < 1e6 ? `${(size / 1e3).toFixed(1)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}

/** LiFePO4 with its numbers as subscripts. */
export function formula(text) {
  const parts = String(text).split(/(\d+(?:\.\d+)?)/);
  return h("span", { class: "formula" }, parts.map((part) => (/^\d/.test(part) ? h("sub", {}, part) : part)));
}

/** A Hermann–Mauguin symbol: bars over what a minus precedes, screw axes after an underscore as subscripts. */
export function spaceGroup(symbol) {
  const parts = String(symbol).split(/(-\d|_\d)/);
  return h("span", { class: "symbol" }, parts.map((part) => {
    if (/^-\d$/.test(part)) return h("span", { class: "bar" }, part[1]);
    if (/^_\d$/.test(part)) return h("sub", {}, part[1]);
    return part;
  }));
}

/** ISO 8601 in UTC, to the minute. */
export function time(text) {
  if (!text) return null;
  return h("time", { datetime: text }, `${text.slice(0, 10)} ${text.slice(11, 16)} UTC`);
}

export const hash = (text) => (text ? h("code", { class: "hash", title: text }, text.slice(0, 16), "…") : null);

/** [[symbol, amount], …] of a formula without brackets. */
export function amounts(text) {
  return [...String(text).matchAll(/([A-Z][a-z]?)(\d*\.?\d*)/g)].map(([, symbol, n]) => [symbol, n ? Number(n) : 1]);
}

/** Lengths in Å, angles in ° and volume in Å³ of a cell whose rows are lattice vectors. */
export function cellParameters(cell) {
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const lengths = cell.map((row) => Math.sqrt(dot(row, row)));
  const angle = (i, j) => (Math.acos(dot(cell[i], cell[j]) / lengths[i] / lengths[j]) * 180) / Math.PI;
  const [a, b, c] = cell;
  const cross = [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]];
  return { lengths, angles: [angle(1, 2), angle(0, 2), angle(0, 1)], volume: Math.abs(dot(a, cross)) };
}
