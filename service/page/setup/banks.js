// The versions of what is normal: which one is active, going back to an earlier one, and comparing two side by side.

import { getJson } from "../api.js";
import { dateTime, duration } from "../format.js";
import { element, fill } from "../shell/element.js";
import { Part } from "./part.js";

const AGAIN_MS = 30_000;

export class BanksPart extends Part {
  #list = element("ul.banks");
  #comparison = element("div.comparison");
  #seen = null;
  #againAtMs = 0;
  #shadowId = null;

  constructor(cameraId) {
    super(cameraId, "Banks: versions of its normal");
    this.add(this.#list, this.#comparison);
  }

  async show(camera, status) {
    const seen = `${status?.analysis?.bank_id} ${status?.enrolment?.id} ${status?.enrolment?.state}`;
    if (seen === this.#seen || Date.now() < this.#againAtMs) return;
    this.#againAtMs = Date.now() + AGAIN_MS; // what failed is asked for again, later
    await this.#load();
    this.#seen = seen;
    this.#againAtMs = 0;
    this.say("");
  }

  async #load() {
    const { banks } = await getJson(this.path("/banks"));
    fill(this.#list, ...banks.map((bank) => this.#row(bank)));
    if (!banks.length) fill(this.#list, element("li.facts", {}, "None yet: it learns one by itself, or under Learning."));
  }

  #row(bank) {
    const state = [bank.active && "active", bank.pinned && "pinned", bank.chosen && "chosen", !bank.usable && "of another format"].filter(Boolean).join(", ");
    const apart = bank.contexts.length ? `, ${bank.contexts.join(" and ")} compared apart` : "";
    const text = `${dateTime(bank.created)}, ${duration(bank.seconds)} learnt, profile ${bank.profile}${apart}${state && `: ${state}`}`;
    return element("li.row", { dataset: { bank: bank.id } }, element("span", {}, text),
      !bank.active && bank.usable && this.#button("Use it", () => this.#change("POST", `/banks/${bank.id}/activate`, undefined, "It is used within a second or two.")),
      !bank.active && bank.usable && this.#button("Compare", () => this.#compare(bank.id)),
      this.#button(bank.pinned ? "Unpin" : "Pin", () => this.#change("PATCH", `/banks/${bank.id}`, { pinned: !bank.pinned }, bank.pinned ? "Not pinned." : "It is kept.")));
  }

  #button(text, action) {
    return element("button.quiet", { type: "button", onclick: action }, text);
  }

  async #change(...order) {
    if (await this.change(...order)) await this.#load();
  }

  /** Score it in the shadow, unless it is already, and show both sides. */
  async #compare(bankId) {
    this.#shadowId = bankId;
    const shadow = `/banks/${bankId}/shadow`;
    const view = await getJson(this.path(shadow)).catch((error) => {
      if (error.status === 404) return this.change("POST", shadow, {}, "From now on frames are scored with it too; nobody is told of its alerts.");
      throw error;
    }).catch((error) => this.say(error.message, true));
    if (view?.sentence && this.#shadowId === bankId) this.#showComparison(view, shadow);
  }

  #showComparison(view, shadow) {
    const facts = `${view.frames} frames since ${dateTime(view.since)}, until ${dateTime(view.until)}. ${view.reason}`;
    const end = async () => {
      await this.change("DELETE", shadow, undefined, "It is scored no longer.");
      fill(this.#comparison);
    };
    const swap = async () => {
      const swapped = await this.change("POST", `${shadow}/swap`, undefined, "Swapped: the one before goes on in the shadow.");
      if (swapped?.bank_id) this.#showComparison(swapped, `/banks/${swapped.bank_id}/shadow`);
      await this.#load();
    };
    fill(this.#comparison, element("h4", {}, "Side by side"), element("p", {}, view.sentence), element("p.facts", {}, facts),
      element("div.row", {}, this.#button("Look again", () => this.#compare(view.bank_id)), this.#button("Swap", swap), this.#button("End", end)),
      element("div.sides", {}, side("Only with the active one", view.only_active), side("Only with the other", view.only_shadow)));
  }
}

function side(title, alerts) {
  const rows = alerts.slice(0, 20).map((alert) => element("li", {}, `${dateTime(alert.started)}, peak ${alert.peak_score?.toFixed(2) ?? "–"}`));
  return element("div", {}, element("h5", {}, `${title}: ${alerts.length}`), element("ul", {}, ...rows));
}
