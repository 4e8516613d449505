// The JSON API: answers, errors with advice, and the token of a challenge that is not open.
import { byId, fill, h } from "./dom.js";

const KEY = "lamcore-crystal-token";

export class ApiError extends Error {
  constructor(status, { code = `HTTP ${status}`, message = "the server gave no reason", advice = "" } = {}) {
    super(message);
    Object.assign(this, { status, code, advice });
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
};

export const authorization = () => (token.get() ? { Authorization: `Bearer ${token.get()}` } : {});

/** What a JSON endpoint answers; `parameters` without a value are left out. */
export async function get(path, parameters = {}, signal = undefined) {
  const url = new URL(`/api/v1/${path}`, location.origin);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  const response = await asked(url, signal);
  return response.json();
}

/** The bytes of a file, for a challenge that is read by token (links cannot carry one). */
export async function blob(path) {
  return (await asked(new URL(path, location.origin))).blob();
}

async function asked(url, signal) {
  const sentWith = token.get();
  let response;
  try {
    response = await fetch(url, { headers: authorization(), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "no answer", message: "the server does not answer", advice: "Is it running? Reload the page to try again." });
  }
  if (response.ok) return response;
  // A request that was sent before the token was given is sent again, and the reader not asked a second time.
  const isOutdated = token.get() !== sentWith;
  if (response.status === 401 && (isOutdated || (await askForToken(await errorOf(response))))) return asked(url, signal);
  throw await errorOf(response);
}

/** The error of an answer; FastAPI's own list of wrong fields is put in words. */
export async function errorOf(response) {
  if (response.bodyUsed) return new ApiError(response.status);
  const text = await response.text();
  return errorFrom(response.status, text);
}

export function errorFrom(status, text) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    return new ApiError(status, { message: text.slice(0, 300) || undefined });
  }
  if (body.error) return new ApiError(status, body.error);
  if (Array.isArray(body.detail)) {
    const message = body.detail.map((one) => `${(one.loc ?? []).slice(1).join(".")}: ${one.msg}`).join("; ");
    return new ApiError(status, { message, advice: "Correct these fields and try again." });
  }
  return new ApiError(status, { message: typeof body.detail === "string" ? body.detail : undefined });
}

let asking = null;

/** Ask the reader for a token once, however many requests wait for it; false when none is given. */
function askForToken(error) {
  asking ??= new Promise((resolve) => {
    const dialog = byId("token-dialog");
    byId("token-problem").textContent = token.get() ? error.message : "";
    byId("token-input").value = "";
    dialog.addEventListener("close", () => {
      asking = null;
      const given = dialog.returnValue === "ok" ? byId("token-input").value.trim() : "";
      if (given) token.set(given);
      resolve(given !== "");
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

/** Show an error where the reader looks: its code, what happened and what to do. */
export function showProblem(error, where = byId("problem")) {
  if (error.name === "AbortError") return;
  if (!(error instanceof ApiError)) console.error(error);
  fill(where, h("b", {}, error.code ?? "Error"), ` ${error.message}`, error.advice ? h("p", {}, error.advice) : null);
  where.hidden = false;
}

export function hideProblem(where = byId("problem")) {
  where.hidden = true;
  where.replaceChildren();
}

/** Run what a page does first; whatever it raises is shown. */
export function start(main) {
  main().catch((error) => showProblem(error));
}
