// When alerts were, a lane for each camera. The list beside it holds the same alerts for keyboards and screen readers.

import { kindOf } from "../alert_words.js";
import { clock } from "../format.js";
import { element, fill } from "../shell/element.js";
import { nameOf } from "../shell/site.js";

const SHORTEST_MS = 120_000;
const MARGIN = 0.03;
const TICKS = 4;
const SPANS_MS = [6 * 3_600_000, 3_600_000, 600_000, SHORTEST_MS]; // around the chosen alert, from the widest to the closest

export class Timeline {
  #zoom = 0; // -1: the whole day; 0: from the first alert to the last; then `SPANS_MS`
  #chosen = null;
  #alerts = [];
  #period = { from: 0, to: 0 };
  #marks = new Map();
  #onChoose;
  #buttons;
  #lanes = element("div.lanes", { "aria-hidden": "true" });

  constructor(onChoose) {
    this.#onChoose = onChoose;
    const button = (text, label, step) => element("button.quiet", { type: "button", "aria-label": label, onclick: () => this.#turn(step) }, text);
    this.#buttons = [button("–", "Show a longer time", -1), button("+", "Show a shorter time", 1)];
    this.node = element("section.timeline.panel", { "aria-label": "Timeline" },
      element("header.row", {}, element("h3", {}, "Timeline"), element("span.row", {}, ...this.#buttons)), this.#lanes);
  }

  #turn(step) {
    this.#zoom = Math.min(SPANS_MS.length, Math.max(-1, this.#zoom + step));
    this.show(this.#alerts, this.#period);
  }

  #span() {
    if (this.#zoom < 0 || !this.#alerts.length) return wholeOf(this.#period);
    const all = fitted(this.#alerts);
    const middle = this.#alerts.find(({ id }) => id === this.#chosen);
    if (!this.#zoom || !middle) return all;
    const length = SPANS_MS[this.#zoom - 1];
    const at = (Date.parse(middle.started) + Date.parse(middle.ended ?? middle.peak)) / 2;
    return { from: at - length / 2, to: at + length / 2 };
  }

  /** `period`: {from, to} in Unix milliseconds; `to` null: now. */
  show(alerts, period) {
    this.#alerts = alerts;
    this.#period = period;
    const span = this.#span();
    this.#buttons[0].disabled = this.#zoom < 0;
    this.#buttons[1].disabled = this.#zoom === SPANS_MS.length;
    const byCamera = Map.groupBy ? Map.groupBy(alerts, (alert) => alert.camera_id) : grouped(alerts);
    this.#marks.clear();
    const lanes = [...byCamera].sort(([a], [b]) => a.localeCompare(b)).map(([id, own]) => this.#lane(id, own, span));
    fill(this.#lanes, ...lanes, axis(span));
    this.#markChosen();
    this.node.hidden = !alerts.length;
  }

  #lane(cameraId, alerts, span) {
    const track = element("div.track", {}, ...alerts.map((alert) => this.#mark(alert, span)));
    return element("div.lane", {}, element("span.lane-name", { title: cameraId }, nameOf(cameraId)), track);
  }

  #mark(alert, span) {
    const mark = element("button.mark", { type: "button", tabIndex: -1, onclick: () => this.#onChoose(alert.id) });
    const [from, to] = [Date.parse(alert.started), alert.ended ? Date.parse(alert.ended) : Date.now()];
    mark.hidden = to < span.from || from > span.to;
    const start = share(from, span);
    const end = share(to, span);
    mark.style.left = `${start * 100}%`;
    mark.style.width = `${Math.max(0, end - start) * 100}%`;
    this.#marks.set(alert.id, mark);
    this.update(alert);
    return mark;
  }

  /** Show the verdict on an alert. */
  update(alert) {
    const mark = this.#marks.get(alert.id);
    if (!mark) return;
    mark.dataset.verdict = alert.verdict?.verdict ?? "";
    mark.dataset.state = alert.state;
    mark.title = `${nameOf(alert.camera_id)}, ${clock(alert.started)}: ${kindOf(alert)}`;
  }

  /** Mark the chosen alert; what is shown of the time follows it. */
  choose(alertId) {
    this.#chosen = alertId;
    if (this.#zoom > 0) this.show(this.#alerts, this.#period);
    else this.#markChosen();
  }

  #markChosen() {
    for (const [id, mark] of this.#marks) mark.classList.toggle("chosen", id === this.#chosen);
  }
}

function grouped(alerts) {
  const groups = new Map();
  for (const alert of alerts) groups.set(alert.camera_id, [...(groups.get(alert.camera_id) ?? []), alert]);
  return groups;
}

const wholeOf = ({ from, to }) => ({ from, to: to ?? Date.now() });

/** From the first alert to the last, so that a night's burst does not become a single stroke. */
function fitted(alerts) {
  const starts = alerts.map((alert) => Date.parse(alert.started));
  const ends = alerts.map((alert) => (alert.ended ? Date.parse(alert.ended) : Date.parse(alert.peak)));
  const from = Math.min(...starts), to = Math.max(...ends);
  const length = Math.max(SHORTEST_MS, to - from);
  return { from: from - length * MARGIN, to: from + length * (1 + MARGIN) };
}

const share = (ms, { from, to }) => Math.min(1, Math.max(0, (ms - from) / (to - from)));

function axis(span) {
  const ticks = Array.from({ length: TICKS + 1 }, (_, at) => span.from + ((span.to - span.from) * at) / TICKS);
  const text = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", ...(span.to - span.from < 3_600_000 && { second: "2-digit" }) });
  return element("div.lane.axis", {}, element("span.lane-name"), element("div.ticks", {}, ...ticks.map((ms) => element("span", {}, text(ms)))));
}
