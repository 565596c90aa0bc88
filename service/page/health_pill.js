// The health of a camera as a word.

import { element } from "./shell/element.js";

/** A camera that learns by itself lacks nothing: that it has no bank yet is how it begins. */
const healthOf = (status) => (status?.health === "no_bank" && status.arming.state === "learning" ? "learning" : status?.health ?? "");

export const healthWord = (status) => healthOf(status).replaceAll("_", " ");

/** Show it in a pill. */
export function showHealth(pill, status) {
  pill.textContent = healthWord(status) || "…";
  pill.dataset.health = healthOf(status);
}

/** A pill with the health of a camera. */
export function healthPill(status) {
  const pill = element("span.pill");
  showHealth(pill, status);
  return pill;
}
