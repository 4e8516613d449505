// What all pages share: the challenge's name, and the round at the foot.
import { get, start } from "./api.js";
import { byId } from "./dom.js";

start(async () => {
  const challenge = await get("challenge");
  byId("challenge-name").textContent = challenge.name;
  document.title = `${document.title.split(" · ")[0]} · ${challenge.name}`;
  const { round } = challenge;
  const parts = [`Data: ${challenge.licence}`];
  if (round) {
    parts.unshift(`Round ${round.number}: ${round.name}`, `model ${round.model?.name ?? "–"}`);
    if (round.hull) parts.push(`hull ${round.hull.id} (${round.hull.sha256.slice(0, 12)})`);
  }
  byId("foot-round").textContent = parts.join(" · ");
});
