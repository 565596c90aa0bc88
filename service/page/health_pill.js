// The health of a camera as a word.

import { element } from "./shell/element.js";

/** Show it in a pill. A camera that learns by itself lacks nothing: that it has no bank yet is how it begins. */
export function showHealth(pill, status) {
  const learns = status?.health === "no_bank" && status.arming.state === "learning";
  const health = learns ? "learning" : status?.health ?? "";
  pill.textContent = health.replaceAll("_", " ") || "…";
  pill.dataset.health = health;
}

/** A pill with the health of a camera. */
export function healthPill(status) {
  const pill = element("span.pill");
  showHealth(pill, status);
  return pill;
}
