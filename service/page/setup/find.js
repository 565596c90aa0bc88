// Cameras that others know, found and added: in the network by ONVIF, of Frigate, of go2rtc.

import { send } from "../api.js";
import { choice, element, fill, labelled } from "../shell/element.js";
import { addressOf } from "../shell/router.js";
import { refreshSite } from "../shell/site.js";

const PLACES = [["network", "In this network (ONVIF)"], ["frigate", "From Frigate"], ["go2rtc", "From go2rtc"]];
const EXAMPLES = { network: "all machines", frigate: "http://nvr:5000", go2rtc: "http://nvr:1984" };

export class FindCameras {
  #place = choice(PLACES, { onchange: () => this.#turn() });
  #address = element("input", { maxLength: 2000, autocomplete: "off", spellcheck: false });
  #user = element("input", { maxLength: 200, autocomplete: "off", spellcheck: false });
  #password = element("input", { type: "password", maxLength: 200, autocomplete: "new-password" });
  #look = element("button.quiet", {}, "Look for cameras");
  #said = element("p", { role: "status" });
  #list = element("ul.found");
  #login = element("div.row", {}, labelled("User of the cameras", this.#user), labelled("Password", this.#password, "tried once: cameras lock out whoever insists"));

  constructor() {
    const form = element("form.add-form", { onsubmit: (event) => this.#search(event) },
      labelled("Where", this.#place), labelled("Address", this.#address), this.#login, element("div.row", {}, this.#look));
    this.node = element("details.panel.find-cameras", { "data-needs": "admin" }, element("summary", {}, "Find cameras: in the network, of Frigate or go2rtc"), form, this.#said, this.#list);
    this.#turn();
  }

  #turn() {
    this.#address.placeholder = EXAMPLES[this.#place.value];
    this.#address.required = this.#place.value !== "network";
    this.#login.hidden = this.#place.value !== "network";
  }

  async #search(event) {
    event.preventDefault();
    this.#look.disabled = true;
    this.#say("Looking …");
    fill(this.#list);
    const network = this.#place.value === "network";
    const login = network ? { user: this.#user.value, password: this.#password.value } : { user: "", password: "" };
    try {
      const { cameras } = await send("POST", "api/v1/camera-searches", { place: this.#place.value, address: this.#address.value.trim(), ...login });
      this.#say(cameras.length ? `${cameras.length} found.` : "No camera answered: it may be in another network (enter its address), or have ONVIF off.", !cameras.length);
      fill(this.#list, ...cameras.map((camera) => this.#row(camera, login)));
    } catch (error) {
      this.#say(error.message, true);
    } finally {
      this.#look.disabled = false;
    }
  }

  #row(camera, login) {
    const place = element("span.row");
    const add = async () => {
      const source = camera.signed ? signed(camera.source, login) : camera.source;
      try {
        await send("POST", "api/v1/cameras", { id: camera.id, name: camera.name, source, zones: camera.zones });
        this.#added(place, camera.id);
        refreshSite().catch(() => {}); // the next look shows it
      } catch (error) {
        this.#say(error.message, true);
      }
    };
    if (camera.known) this.#added(place, camera.id);
    else if (camera.source) fill(place, element("button.quiet", { type: "button", onclick: add }, "Add"));
    return element("li.row", { dataset: { camera: camera.id } }, element("strong", {}, camera.name),
      element("span.facts", {}, camera.source ?? camera.reason), place);
  }

  #added(place, id) {
    fill(place, element("a", { href: addressOf(`cameras/${encodeURIComponent(id)}`) }, "It is here"));
  }

  #say(text, warned = false) {
    this.#said.textContent = text;
    this.#said.classList.toggle("warned", warned);
  }
}

const signed = (source, { user, password }) => source.replace("://", `://${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
