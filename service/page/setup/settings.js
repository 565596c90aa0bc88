// The settings of a camera: name, address, profile, budget, what is muted; and removing it.

import { send } from "../api.js";
import { choice, element, labelled } from "../shell/element.js";
import { go } from "../shell/router.js";
import { openTrial } from "../trial.js";
import { Part } from "./part.js";

const KINDS = ["behaviour", "place", "thing"];

export class SettingsPart extends Part {
  #fields = {
    name: element("input", { maxLength: 200, autocomplete: "off" }),
    source: element("input", { maxLength: 2000, autocomplete: "off", spellcheck: false }),
    profile: element("input", { maxLength: 200, autocomplete: "off", spellcheck: false }),
    transport: choice([["tcp", "TCP"], ["udp", "UDP"]]),
    false_alarms_per_day: element("input", { type: "number", min: 0.001, max: 1000, step: "any", placeholder: "as set for all" }),
    enabled: element("input", { type: "checkbox" }),
  };
  #muted = KINDS.map((kind) => element("input", { type: "checkbox", value: kind }));
  #shown = "";
  #camera = {};
  #threshold = null;

  constructor(cameraId) {
    super(cameraId, "Settings", "operator");
    const { name, source, profile, transport, false_alarms_per_day: budget, enabled } = this.#fields;
    const form = element("form.settings", { onsubmit: (event) => this.#save(event) },
      labelled("Name", name), labelled("Address", source, "a password is never shown: leave *** to keep it"),
      labelled("Profile", profile), labelled("Transport", transport),
      labelled("False alarms a day that are acceptable", budget),
      element("label.check", {}, enabled, " Watch this camera"),
      element("fieldset", {}, element("legend", {}, "Muted: counts for nothing here"), ...this.#muted.map((field) => element("label.check", {}, field, ` unusual ${field.value}`))),
      element("div.row", {}, element("button.primary", {}, "Save"),
        element("button.quiet", { type: "button", onclick: () => openTrial(cameraId, this.#threshold) }, "Try another budget"),
        element("button.quiet.danger", { type: "button", "data-needs": "admin", onclick: () => this.#remove() }, "Remove the camera")));
    this.add(form);
  }

  show(camera, status) {
    this.#threshold = status?.analysis?.threshold ?? null;
    const given = JSON.stringify(camera);
    if (given === this.#shown) return; // what is being typed stays
    this.#shown = given;
    this.#camera = camera;
    for (const [name, field] of Object.entries(this.#fields)) {
      if (field.type === "checkbox") field.checked = camera[name];
      else field.value = camera[name] ?? "";
    }
    for (const field of this.#muted) field.checked = camera.muted.includes(field.value);
  }

  async #save(event) {
    event.preventDefault();
    const { name, source, profile, transport, false_alarms_per_day: budget, enabled } = this.#fields;
    const body = {
      name: name.value.trim(), source: source.value.trim(), profile: profile.value.trim(), transport: transport.value,
      false_alarms_per_day: budget.value === "" ? null : Number(budget.value), enabled: enabled.checked,
      muted: this.#muted.filter((field) => field.checked).map((field) => field.value),
    };
    const same = (name) => JSON.stringify(body[name]) === JSON.stringify(this.#camera[name]);
    const changed = Object.fromEntries(Object.entries(body).filter(([name]) => !same(name))); // not all may change all
    await this.change("PATCH", "", changed, "Saved.");
  }

  async #remove() {
    if (!confirm(`Remove ${this.cameraId}? Its frames, scores and settings are deleted; its alerts and banks stay.`)) return;
    try {
      await send("DELETE", this.path(""));
      go("cameras");
    } catch (error) {
      this.say(`Not removed: ${error.message}`, true);
    }
  }
}
