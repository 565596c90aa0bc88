// What was said of this camera's normal, each with its undo.

import { getJson } from "../api.js";
import { dateTime } from "../format.js";
import { element, fill } from "../shell/element.js";
import { addressOf } from "../shell/router.js";
import { listen } from "../shell/site.js";
import { Part } from "./part.js";

const WORDS = {
  normal: "normal here", normal_at_this_time: "normal at this time", anomaly: "a real anomaly", learn: "a time that was normal",
  forget: "a time that is not learnt from", recurring: "recurred so often that it is normal", lasting: "a lasting change that was learnt",
};

export class CorrectionsPart extends Part {
  #list = element("ul.corrections");
  #loaded = false;
  #end;

  constructor(cameraId) {
    super(cameraId, "Corrections");
    this.add(this.#list);
    this.#end = listen("correction", (message) => message.camera_id === cameraId && this.#load());
  }

  async show() {
    if (!this.#loaded) await this.#load();
  }

  close() {
    this.#end();
  }

  async #load() {
    this.#loaded = true;
    const { corrections } = await getJson(this.path("/corrections"));
    fill(this.#list, ...corrections.map((correction) => this.#row(correction)));
    if (!corrections.length) fill(this.#list, element("li.facts", {}, "None: nobody has said what is normal here, or what is not."));
  }

  #row(correction) {
    const { spans, hours } = correction;
    const when = spans.length ? ` ${dateTime(spans[0].from)} to ${new Date(spans.at(-1).to).toLocaleTimeString()}` : "";
    const at = hours ? `, ${hours.weekday ?? "every day"} ${hours.from}–${hours.to}` : "";
    const said = element("span", {}, `${WORDS[correction.kind] ?? correction.kind}:${when}${at}`, element("span.facts", {}, ` by ${correction.by}, ${dateTime(correction.at)} ${correction.note}`));
    const alert = correction.alert_ids[0];
    return element("li.row", { dataset: { correction: correction.id }, className: correction.in_force ? "row" : "row undone" }, said,
      alert && element("a", { href: addressOf("review", new URLSearchParams({ alert })) }, "alert"),
      correction.in_force
        ? element("button.quiet", { type: "button", onclick: () => this.#undo(correction.id) }, "Undo")
        : element("span.facts", {}, correction.undone_by ? `undone by ${correction.undone_by}` : "not in force"));
  }

  async #undo(id) {
    const answer = await this.change("DELETE", `/corrections/${id}`, undefined, (undone) => undone.effect);
    if (answer) await this.#load();
  }
}
