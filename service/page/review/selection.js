// Several alerts that get the same verdict together: picked one by one, or all that are like the one that is shown.

import { element } from "../shell/element.js";
import { sayOfAll } from "../verdicts.js";

export class Selection {
  #picked = new Set(); // ids of alerts
  #alerts = () => [];
  #chosen = () => null;
  #onChange;
  #onDone;
  #count = element("span", { role: "status" });
  #all = button("All like this", () => this.#pickAlike(), "l");
  #verdicts = [
    button("Normal here", () => this.#say("normal")), button("Normal at this time", () => this.#say("normal_at_this_time")),
    button("Seen, not sure", () => this.#say("unsure")), button("Clear", () => this.clear()),
  ];

  /**
   * @param {{alerts: () => Array<object>, chosen: () => object|null}} shown what is listed, and which one is large
   * @param {(picked: Set<string>) => void} onChange
   * @param {() => void} onDone they are judged
   */
  constructor(shown, onChange, onDone) {
    this.#alerts = shown.alerts;
    this.#chosen = shown.chosen;
    this.#onChange = onChange;
    this.#onDone = onDone;
    this.node = element("section.selection.row", { "aria-label": "Several at once", "data-needs": "operator" }, this.#all, ...this.#verdicts, this.#count);
    this.#show();
  }

  /** One more, or one less. */
  pick(alertId, picked) {
    if (picked) this.#picked.add(alertId);
    else this.#picked.delete(alertId);
    this.#show();
  }

  clear() {
    this.#picked.clear();
    this.#show();
  }

  /** What is listed, or which one is large, has changed: those that are listed no longer are not picked either. */
  renew() {
    const listed = new Set(this.#alerts().map(({ id }) => id));
    for (const id of this.#picked) if (!listed.has(id)) this.#picked.delete(id);
    this.#show();
  }

  /** A key was pressed. */
  press(key) {
    if (key === "l") this.#pickAlike();
    if (key === "x" && this.#chosen()) this.pick(this.#chosen().id, !this.#picked.has(this.#chosen().id));
  }

  /** Those of the same camera, kind and zones that nobody has judged. */
  #alike() {
    const chosen = this.#chosen();
    return chosen ? this.#alerts().filter((alert) => !alert.reviewed && likeness(alert) === likeness(chosen)) : [];
  }

  #pickAlike() {
    for (const { id } of this.#alike()) this.#picked.add(id);
    this.#show();
  }

  #show() {
    const alike = this.#alike().length;
    this.#all.textContent = alike ? `All like this (${alike})` : "All like this";
    this.#all.disabled = !alike;
    for (const one of this.#verdicts) one.hidden = !this.#picked.size;
    this.#count.textContent = this.#picked.size ? `${this.#picked.size} selected` : "";
    this.node.hidden = !this.#alerts().length;
    this.#onChange(this.#picked);
  }

  async #say(verdict) {
    const picked = this.#alerts().filter(({ id }) => this.#picked.has(id));
    this.clear();
    await sayOfAll(picked, verdict);
    this.#onDone();
  }
}

const likeness = ({ camera_id, kind, anomaly, zones }) => JSON.stringify([camera_id, kind, anomaly, [...zones].sort()]);

function button(text, onclick, key = "") {
  return element("button.quiet", { type: "button", onclick, title: key && `Key: ${key}`, "aria-keyshortcuts": key || null }, text);
}
