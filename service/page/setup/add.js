// Adding a camera: its address is tried first, and answers with a picture or with what is wrong.

import { send } from "../api.js";
import { choice, element, fill, labelled } from "../shell/element.js";
import { go } from "../shell/router.js";

const NOT_IN_IDS = /[^a-z0-9_-]+/g;

export class AddCamera {
  #source = element("input", { required: true, maxLength: 2000, placeholder: "rtsp://USER:PASSWORD@HOST/PATH", autocomplete: "off", spellcheck: false });
  #name = element("input", { maxLength: 200, placeholder: "Back gate", autocomplete: "off" });
  #id = element("input", { required: true, maxLength: 63, pattern: "[a-z0-9][a-z0-9_\\-]*", placeholder: "gate", autocomplete: "off", spellcheck: false });
  #transport = choice([["tcp", "TCP"], ["udp", "UDP"]]);
  #answer = element("p", { role: "status" });
  #picture = element("div.probe-picture");
  #try = element("button.quiet", { type: "button", onclick: () => this.#attempt() }, "Test the connection");
  #typed = false; // the id was typed, not made of the name

  constructor() {
    this.#id.addEventListener("input", () => { this.#typed = true; });
    this.#name.addEventListener("input", () => { if (!this.#typed) this.#id.value = idOf(this.#name.value); });
    const form = element("form.add-form", { onsubmit: (event) => this.#add(event) },
      labelled("Name", this.#name), labelled("Address", this.#source, "or push: where the camera publishes to Patchwatch, or file:/PATH of a recording"),
      labelled("Id", this.#id, "part of its addresses here: small letters, digits, - and _"), labelled("Transport", this.#transport),
      element("div.row", {}, this.#try, element("button.primary", {}, "Add the camera")));
    this.node = element("section.panel.add-camera", { "aria-label": "Add a camera", "data-needs": "admin" }, element("h3", {}, "Add a camera"), form, this.#answer, this.#picture);
  }

  async #attempt() {
    if (!this.#source.reportValidity()) return;
    this.#try.disabled = true;
    this.#say("Connecting …");
    fill(this.#picture);
    try {
      const answer = await send("POST", "api/v1/source-tests", { source: this.#source.value.trim(), transport: this.#transport.value });
      this.#say(answer.text, !answer.works);
      if (answer.picture) fill(this.#picture, element("img", { src: `data:image/jpeg;base64,${answer.picture}`, alt: "what the camera shows" }));
    } catch (error) {
      this.#say(error.message, true);
    } finally {
      this.#try.disabled = false;
    }
  }

  async #add(event) {
    event.preventDefault();
    const body = { id: this.#id.value, name: this.#name.value.trim(), source: this.#source.value.trim(), transport: this.#transport.value };
    try {
      const camera = await send("POST", "api/v1/cameras", body);
      go(`cameras/${encodeURIComponent(camera.id)}`);
    } catch (error) {
      this.#say(error.message, true);
    }
  }

  #say(text, warned = false) {
    this.#answer.textContent = text;
    this.#answer.classList.toggle("warned", warned);
  }
}

const idOf = (name) => name.toLowerCase().replace(NOT_IN_IDS, "-").replace(/^[-_]+|-+$/g, "").slice(0, 63);
