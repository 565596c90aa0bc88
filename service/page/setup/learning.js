// Learning what is normal: from the camera now, from what is remembered of it, or of a stretch of time.

import { getJson, send } from "../api.js";
import { dateTime } from "../format.js";
import { element, fill, labelled } from "../shell/element.js";
import { listOf } from "../trial.js";
import { Part } from "./part.js";

const HELD = ["queued", "running"];

export class LearningPart extends Part {
  #minutes = element("input", { type: "number", min: 0.1, max: 1440, step: "any", value: 15 });
  #from = element("input", { type: "datetime-local", step: 1 });
  #to = element("input", { type: "datetime-local", step: 1 });
  #note = element("input", { maxLength: 500, autocomplete: "off" });
  #running = element("div");
  #trial = element("div.trial-lists");
  #asked = 0; // of several questions, only the answer to the last one is shown
  #seen = "";

  constructor(cameraId) {
    super(cameraId, "Learning", "operator");
    const learn = (body, text) => () => this.change("POST", "/enrolments", body(), text);
    const now = element("button.quiet", { type: "button", onclick: learn(() => ({ live_seconds: Number(this.#minutes.value) * 60 }), "It learns from now on.") }, "Learn live");
    const memory = element("button.quiet", { type: "button", onclick: learn(() => ({ from_memory: true }), "It learns from what is remembered.") }, "Learn from memory");
    this.add(
      this.#running,
      element("p.facts", {}, "It learns by itself. Learn here after its view has changed, or from a time that was certainly normal."),
      element("div.row", {}, labelled("Minutes", this.#minutes), now, memory),
      element("fieldset", {}, element("legend", {}, "A stretch of time"),
        element("div.row", {}, labelled("From", this.#from), labelled("To", this.#to), labelled("Note", this.#note)),
        element("div.row", {}, this.#stretch("learn", "Was normal"), this.#try("learn", "Try it on the past"), this.#stretch("forget", "Forget it"), this.#try("forget", "Try forgetting it"))),
      this.#trial);
  }

  /** Nothing is changed by it. */
  #try(kind, text) {
    return element("button.quiet", { type: "button", onclick: () => this.#attempt(kind) }, text);
  }

  async #attempt(kind) {
    const span = this.#span();
    if (!span) return;
    const number = ++this.#asked;
    this.say("Judging what is stored …");
    fill(this.#trial);
    try {
      const answer = await send("POST", this.path("/what-if"), { change: kind, ...span });
      if (number !== this.#asked) return;
      this.say([answer.sentence, ...answer.notes.map((note) => `${note}.`)].join(" "));
      fill(this.#trial, listOf("Would be gone", answer.fewer), listOf("Would be new", answer.more));
    } catch (error) {
      if (number === this.#asked) this.say(`Not tried: ${error.message}`, true);
    }
  }

  /** Both ends of the time as the API takes them; null: one is missing, and that is said. */
  #span() {
    if (this.#from.value && this.#to.value) return { from: new Date(this.#from.value).toISOString(), to: new Date(this.#to.value).toISOString() };
    this.say("Enter both ends of the time.", true);
    return null;
  }

  #stretch(kind, text) {
    return element("button.quiet", { type: "button", onclick: () => this.#correct(kind) }, text);
  }

  async #correct(kind) {
    const span = this.#span();
    if (!span) return;
    this.#asked += 1; // what was tried is not what is done
    fill(this.#trial);
    const body = { kind, ...span, note: this.#note.value };
    await this.change("POST", "/corrections", body, (answer) => `${answer.effect}. It is listed under corrections, where it can be undone.`);
  }

  async show(camera, status) {
    const latest = status?.enrolment;
    const seen = `${latest?.id} ${latest?.state} ${latest?.progress} ${latest?.position}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    const { enrolments } = latest ? await getJson(this.path("/enrolments")) : { enrolments: [] };
    fill(this.#running, ...enrolments.slice(0, 5).map((enrolment) => this.#row(enrolment)));
  }

  #row(enrolment) {
    const held = HELD.includes(enrolment.state);
    const text = `${dateTime(enrolment.created)}: ${enrolment.state}${enrolment.detail ? `, ${enrolment.detail}` : ""}${enrolment.outcome ? `; ${enrolment.outcome}` : ""}`;
    return element("div.row.enrolment-row", {}, element("span", {}, text),
      held && element("progress", { max: 1, value: enrolment.progress, "aria-label": "progress" }),
      held && element("button.quiet", { type: "button", onclick: () => this.change("DELETE", `/enrolments/${enrolment.id}`, undefined, "Cancelled.") }, "Cancel"));
  }
}
