// One alert, large enough to judge: its picture, why it was raised, what was said of it, and the link to it.

import { factsOf, kindOf } from "../alert_words.js";
import { contextLine, overlaid, streamPart } from "../detail.js";
import { clearEvidence, showEvidence } from "../evidence.js";
import { clock, date } from "../format.js";
import { showGenerated } from "../generated.js";
import { element, fill } from "../shell/element.js";
import { addressOf } from "../shell/router.js";
import { nameOf } from "../shell/site.js";
import { say, showVerdict } from "../verdicts.js";
import { explanationOf, pictureOf } from "./pictures.js";

export class Viewer {
  alert = null;
  #title = element("h3", { tabIndex: -1, "aria-live": "polite" });
  #facts = element("p.facts");
  #picture = element("div.large-picture");
  #judgement = element("div.judgement");
  #note = element("input", { maxLength: 500, placeholder: "kept with the verdict; Enter saves", autocomplete: "off" });
  #streams = element("div.streams");
  #generated = element("p.facts.generated", { hidden: true });
  #evidence = element("div.evidence");
  #shared = element("span", { role: "status" });

  /** `onMove(step)`: to the next alert, or the one before. */
  constructor(onMove) {
    const step = (text, by, keys) => element("button.quiet", { type: "button", onclick: () => onMove(by), "aria-keyshortcuts": keys, title: `Key: ${keys}` }, text);
    this.#note.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.alert?.verdict) say(this.alert, this.alert.verdict.verdict, this.#note.value);
      if (event.key === "Enter" || event.key === "Escape") this.#note.blur();
    });
    this.node = element("section.viewer.panel", { "aria-label": "The alert" },
      this.#title, this.#picture, this.#judgement,
      element("label.note-field", {}, "Note", this.#note),
      element("div.row", {}, step("Before", -1, "k"), step("Next", 1, "j"),
        element("button.quiet", { type: "button", onclick: () => this.#share() }, "Share link"), this.#shared),
      this.#facts, this.#generated, this.#evidence,
      element("details.why", { open: true }, element("summary", {}, "Why, and what is normal there"), this.#streams));
  }

  /** Show an alert; null: there is none. */
  async show(alert, place = "") {
    const before = this.alert;
    this.alert = alert;
    this.node.hidden = !alert;
    if (!alert) return;
    this.update(alert, place);
    if (before?.id === alert.id) return;
    this.#note.value = alert.verdict?.note ?? "";
    this.#shared.textContent = "";
    await this.reload();
    if (this.alert?.id === alert.id) showEvidence(this.#evidence, alert);
  }

  /** The page is left: nothing plays on, and nothing is asked any more. */
  close() {
    clearEvidence(this.#evidence);
  }

  /** Show its present state, but for the picture. */
  update(alert, place) {
    this.alert = alert;
    const end = alert.ended ? `–${clock(alert.ended)}` : ", still open";
    const name = element("a", { href: addressOf(`cameras/${encodeURIComponent(alert.camera_id)}`) }, nameOf(alert.camera_id));
    fill(this.#title, name, `: ${kindOf(alert)} `, element("span.facts", {}, place));
    this.#facts.textContent = `${date(alert.started)} ${clock(alert.started)}${end} · ${factsOf(alert)}`;
    showVerdict(this.#judgement, alert, this.#note);
  }

  /** Load its picture and the explanation. The picture before stays until the new one is there. */
  async reload() {
    const { alert } = this;
    showGenerated(this.#generated, alert).catch(() => {}); // the alert says enough without it
    const [address, explanation] = await Promise.all([pictureOf(alert), explanationOf(alert)]);
    if (this.alert?.id !== alert.id) return; // another one was chosen meanwhile
    const streams = (explanation?.streams ?? []).map((stream, index) => ({ ...stream, index }));
    const boxes = streams.filter((stream) => stream.region).map((stream) => [stream.region, stream]);
    const { width = 1, height = 1 } = explanation ?? {};
    fill(this.#picture, address
      ? overlaid(address, `${nameOf(alert.camera_id)} at the alert's peak`, width, height, boxes, { keep: true })
      : element("p.no-picture", {}, "No picture was kept."));
    this.#picture.dataset.alert = alert.id;
    streams.sort((a, b) => b.contribution - a.contribution);
    fill(this.#streams, contextLine(explanation), ...streams.map(streamPart), streams.length ? "" : element("p.facts", {}, "No explanation was kept."));
  }

  async #share() {
    const link = new URL(addressOf("review", new URLSearchParams({ alert: this.alert.id })), location.href).href;
    try {
      if (navigator.share && matchMedia("(pointer: coarse)").matches) await navigator.share({ title: "Patchwatch", url: link });
      else await navigator.clipboard.writeText(link);
      this.#shared.textContent = "The link is copied.";
    } catch {
      fill(this.#shared, element("input", { value: link, readOnly: true, "aria-label": "Link to this alert", onfocus: (event) => event.target.select() }));
    }
  }
}
