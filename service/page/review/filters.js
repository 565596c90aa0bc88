// Which alerts are reviewed: the choices, which are those of the address.

import { KINDS } from "../alert_words.js";
import { choice, element, labelled } from "../shell/element.js";
import { periodOf, shifted } from "./period.js";

const NAMES = ["day", "camera", "kind", "zone", "reviewed"];
const REVIEWED = [["first", "not yet, first"], ["false", "not yet"], ["true", "yes"], ["all", "all"]];

export class Filters {
  #fields;
  #chosen = element("span.facts");

  /** `onChange(query)`: what was chosen, as the query of the page's address. */
  constructor(onChange) {
    const changed = () => onChange(this.query());
    const given = { onchange: changed };
    this.#fields = {
      day: element("input", { type: "date", ...given }),
      camera: choice([["", "all"]], given),
      kind: choice([["", "all"], ...Object.entries(KINDS).map(([kind, text]) => [kind, text])], given),
      zone: choice([["", "all"]], given),
      reviewed: choice(REVIEWED, given),
    };
    const step = (days) => () => {
      this.#fields.day.value = days ? shifted(this.#fields.day.value, days) : "";
      changed();
    };
    const { day, camera, kind, zone, reviewed } = this.#fields;
    const form = element("form.filters", { "aria-label": "Filter alerts", onsubmit: (event) => event.preventDefault() },
      element("div.days", {},
        element("button.quiet", { type: "button", onclick: step(-1), "aria-label": "The day before" }, "‹"),
        labelled("Day", day),
        element("button.quiet", { type: "button", onclick: step(1), "aria-label": "The next day" }, "›"),
        element("button.quiet", { type: "button", onclick: step(0) }, "Last 24 hours")),
      labelled("Camera", camera), labelled("Kind", kind), labelled("Zone", zone), labelled("Reviewed", reviewed));
    const open = matchMedia("(min-width: 901px) and (min-height: 900px)").matches; // in a small window the picture comes first
    this.node = element("details.panel.choices", { open }, element("summary", {}, "Which alerts", this.#chosen), form);
  }

  /** Show the choices of an address. */
  show(query) {
    for (const name of NAMES) {
      const field = this.#fields[name];
      const value = query.get(name) ?? (name === "reviewed" ? "first" : "");
      if (field.localName === "select") offer(field, value);
      field.value = value;
    }
    this.#summarise();
  }

  /** Offer these cameras, by their names, and zones. */
  offer(cameras, zones) {
    for (const { id, name } of cameras) offer(this.#fields.camera, id, name || id);
    for (const zone of zones) offer(this.#fields.zone, zone);
  }

  /** What is chosen, beside the summary: it may be closed. */
  #summarise() {
    const { day, ...others } = this.#fields;
    const chosen = Object.values(others).map((field) => field.selectedOptions[0]).filter(({ value }) => !["", "first"].includes(value));
    this.#chosen.textContent = [day.value || "last 24 hours", ...chosen.map(({ text, parentNode }) => (parentNode === others.reviewed ? `reviewed: ${text}` : text))].join(", ");
  }

  get reviewed() {
    return this.#fields.reviewed.value;
  }

  /** The choices as an address has them: only those that differ from the first ones. */
  query() {
    const query = new URLSearchParams();
    for (const name of NAMES) {
      const { value } = this.#fields[name];
      if (value && !(name === "reviewed" && value === "first")) query.set(name, value);
    }
    return query;
  }

  /** The choices as the API takes them. */
  parameters(limit) {
    const { day, camera, kind, zone, reviewed } = this.#fields;
    const { from, to } = periodOf(day.value);
    const parameters = new URLSearchParams({ limit, from });
    if (to != null) parameters.set("to", to);
    for (const [name, field] of Object.entries({ camera, kind, zone })) if (field.value) parameters.append(name, field.value);
    if (["true", "false"].includes(reviewed.value)) parameters.set("reviewed", reviewed.value);
    return parameters;
  }

  /** Whether an alert that came meanwhile belongs here. */
  passes(alert) {
    const { day, camera, kind, zone, reviewed } = this.#fields;
    const { from, to } = periodOf(day.value);
    const started = Date.parse(alert.started);
    return started >= from && (to == null || started <= to) && (!camera.value || alert.camera_id === camera.value)
      && (!kind.value || alert.kind === kind.value) && (!zone.value || alert.zones.includes(zone.value))
      && (reviewed.value !== "true" || alert.reviewed);
  }
}

function offer(select, value, text = value) {
  const known = [...select.options].find((option) => option.value === value);
  if (known && text !== value) known.text = text;
  if (value && !known) select.append(new Option(text, value));
}
