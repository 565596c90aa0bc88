// Cameras that others know, found and added: in the network by ONVIF, of Frigate, of go2rtc.

import { send } from "../api.js";
import { choice, element, fill, labelled } from "../shell/element.js";
import { addressOf } from "../shell/router.js";
import { knownCameras, refreshSite } from "../shell/site.js";

const PLACES = [["frigate", "From Frigate"], ["go2rtc", "From go2rtc"], ["network", "In this network (ONVIF)"]];
const EXAMPLES = { network: "all machines", frigate: "http://nvr:5000", go2rtc: "http://nvr:1984" };

export class FindCameras {
  #place = choice(PLACES, { onchange: () => this.#turn() });
  #address = element("input", { maxLength: 2000, autocomplete: "off", spellcheck: false });
  #user = element("input", { maxLength: 200, autocomplete: "off", spellcheck: false });
  #password = element("input", { type: "password", maxLength: 200, autocomplete: "new-password" });
  #look = element("button.quiet", {}, "Look for cameras");
  #said = element("p", { role: "status" });
  #list = element("ul.found");
  #all = element("button.primary", { type: "button", hidden: true, onclick: () => this.#addAll() });
  #open = new Map(); // id of a camera that can be added -> adds it, and answers with what is wrong
  #login = element("div.row", {}, labelled("User of the cameras", this.#user), labelled("Password", this.#password, "tried once: cameras lock out whoever insists"));

  constructor() {
    const form = element("form.add-form", { onsubmit: (event) => this.#search(event) },
      labelled("Where", this.#place), labelled("Address", this.#address), this.#login, element("div.row", {}, this.#look));
    this.node = element("details.panel.find-cameras", { "data-needs": "admin", open: !knownCameras().length }, element("summary", {}, "Find cameras: in Frigate, in go2rtc or in the network"), form, this.#said, this.#list, this.#all);
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
    this.#open.clear();
    this.#offerAll();
    const network = this.#place.value === "network";
    const login = network ? { user: this.#user.value, password: this.#password.value } : { user: "", password: "" };
    try {
      const { cameras } = await send("POST", "api/v1/camera-searches", { place: this.#place.value, address: this.#address.value.trim(), ...login });
      this.#say(cameras.length ? `${cameras.length} found.` : "No camera answered: it may be in another network (enter its address), or have ONVIF off.", !cameras.length);
      fill(this.#list, ...cameras.map((camera) => this.#row(camera, login)));
      this.#offerAll();
      this.#said.scrollIntoView({ block: "start" });
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
      } catch (error) {
        return `${camera.name}: ${error.message}`;
      }
      this.#open.delete(camera.id);
      this.#added(place, camera.id);
      this.#offerAll();
      refreshSite().catch(() => {}); // the next look shows it
      return "";
    };
    const one = async () => this.#say(await add() || `${camera.name} is added: it learns what is normal by itself.`);
    if (camera.known) this.#added(place, camera.id);
    else if (camera.source) {
      this.#open.set(camera.id, add);
      fill(place, element("button.quiet", { type: "button", "aria-label": `Add ${camera.name}`, onclick: one }, "Add"));
    }
    return element("li.row", { dataset: { camera: camera.id } }, element("strong", {}, camera.name),
      element("span.facts", {}, camera.source ?? camera.reason), place);
  }

  #offerAll() {
    this.#all.hidden = this.#open.size < 2;
    this.#all.textContent = `Add all ${this.#open.size}`;
  }

  /** One after the other; one that is refused does not keep the others from it. */
  async #addAll() {
    const wanted = [...this.#open.values()];
    const refused = [];
    this.#all.disabled = true;
    for (const add of wanted) refused.push(await add());
    this.#all.disabled = false;
    const faults = refused.filter(Boolean);
    this.#say([`${wanted.length - faults.length} of ${wanted.length} are added.`, ...faults].join(" "), faults.length > 0);
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
