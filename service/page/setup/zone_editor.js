// The zones of a camera: drawn on its picture, named, tried on the past, saved together.

import { get, send } from "../api.js";
import { choice, element, fill } from "../shell/element.js";
import { showJpeg } from "../live/pictures.js";
import { Part } from "./part.js";
import { ZoneCanvas } from "./zone_canvas.js";

const KINDS = [
  ["ignore", "ignore: nothing in it counts"], ["watch", "only here: only what is in such zones counts"],
  ["privacy", "privacy: blacked out before anything is stored"], ["zone", "a name only: alerts carry it"],
];
const MOST_ZONES = 32;

export class ZoneEditor extends Part {
  #stored = "";
  #zones = [];
  #chosen = -1;
  #lacksPicture = false; // there was none when it was asked for
  #canvas = new ZoneCanvas((points) => this.#drawn(points), (index, points) => this.#moved(index, points));
  #rows = element("ul.zone-rows");
  #draw = this.#button("Draw a zone", () => this.#begin());
  #finish = this.#button("Finish the outline", () => this.#canvas.finish());
  #save = element("button.primary", { type: "button", onclick: () => this.#store() }, "Save the zones");
  #try = this.#button("Try on the past", () => this.#attempt());
  #reset = this.#button("As saved", () => this.#read(this.#stored));

  constructor(cameraId) {
    super(cameraId, "Picture and zones");
    this.add(this.#canvas.node,
      element("p.facts", {}, "Draw: drag a rectangle, or click corner by corner and the first one again. Keys: arrows, Space, Enter. Corners of a chosen zone are moved the same ways; Delete removes one."),
      element("div.row", {}, this.#draw, this.#finish, this.#button("Renew the picture", () => this.#renew())), this.#rows,
      element("div.row", {}, this.#save, this.#try, this.#reset));
    this.#renew();
    this.#changed();
  }

  #button(text, action) {
    return element("button.quiet", { type: "button", onclick: action }, text);
  }

  /** What is being drawn stays, until it is saved or given up. */
  show(camera, status) {
    if (this.#lacksPicture && status?.last_frame) this.#renew();
    const stored = JSON.stringify(camera.zones);
    if (stored === this.#stored) return;
    const untouched = JSON.stringify(this.#zones) === (this.#stored || "[]");
    this.#stored = stored;
    if (untouched) this.#read(stored);
  }

  close() {
    if (this.#canvas.img.src) URL.revokeObjectURL(this.#canvas.img.src);
  }

  #read(stored) {
    this.#zones = JSON.parse(stored || "[]");
    this.#chosen = -1;
    this.#changed();
  }

  /** `quiet`: what was said stays, as after a new privacy zone the next picture takes a second. */
  async #renew({ quiet = false } = {}) {
    const { img } = this.#canvas;
    try {
      await showJpeg(img, await (await get(this.path("/snapshot.jpg?boxes=false"))).blob());
      img.alt = `latest frame of ${this.cameraId}`;
      if (this.#lacksPicture) this.say("");
      this.#lacksPicture = false;
    } catch (error) {
      this.#lacksPicture = error.status === 404 && !img.src;
      if (!quiet) this.say(error.status === 404 ? "There is no picture yet: it appears with the first frame." : error.message, true);
    }
  }

  #begin() {
    if (this.#zones.length >= MOST_ZONES) return this.say(`A camera has ${MOST_ZONES} zones at most.`, true);
    this.#chosen = -1;
    this.#changed();
    this.#canvas.begin();
    this.#changed();
  }

  #drawn(points) {
    const names = new Set(this.#zones.map(({ name }) => name.toLowerCase()));
    let number = this.#zones.length + 1;
    while (names.has(`zone ${number}`)) number += 1;
    this.#zones.push({ name: `zone ${number}`, kind: "ignore", points });
    this.#chosen = this.#zones.length - 1;
    this.#changed();
    const name = this.#rows.lastElementChild.querySelector("input");
    name.focus();
    name.select();
  }

  #moved(index, points) {
    this.#zones[index].points = points;
    this.#canvas.show(this.#zones, this.#chosen);
    this.#mark();
  }

  #changed() {
    this.#canvas.show(this.#zones, this.#chosen);
    fill(this.#rows, ...this.#zones.map((zone, index) => this.#row(zone, index)));
    this.#mark();
  }

  #mark() {
    const changed = JSON.stringify(this.#zones) !== (this.#stored || "[]");
    for (const button of [this.#save, this.#try, this.#reset]) button.disabled = !changed;
    this.#finish.hidden = !this.#canvas.drawing;
  }

  #row(zone, index) {
    const set = (name) => (event) => {
      zone[name] = event.target.value;
      this.#canvas.show(this.#zones, this.#chosen);
      this.#mark();
    };
    const choose = () => {
      this.#chosen = this.#chosen === index ? -1 : index;
      this.#changed();
    };
    const remove = () => {
      this.#zones.splice(index, 1);
      this.#chosen = -1;
      this.#changed();
    };
    return element("li.row", {},
      element("input", { value: zone.name, maxLength: 40, "aria-label": "Name of the zone", oninput: set("name") }),
      choice(KINDS, { value: zone.kind, "aria-label": `What ${zone.name} is for`, onchange: set("kind") }),
      element("button.quiet", { type: "button", "aria-pressed": String(index === this.#chosen), onclick: choose }, "Corners"),
      element("button.quiet.danger", { type: "button", "aria-label": `Remove ${zone.name}`, onclick: remove }, "Remove"));
  }

  async #store() {
    const saved = await this.change("PATCH", "", { zones: this.#zones }, "Saved: they are in force at once.");
    if (!saved) return;
    this.#stored = JSON.stringify(saved.zones);
    this.#read(this.#stored);
    this.#renew({ quiet: true });
  }

  async #attempt() {
    this.say("Judging what is stored …");
    try {
      const answer = await send("POST", this.path("/what-if"), { change: "zones", zones: this.#zones });
      this.say([answer.sentence, ...answer.notes.map((note) => `${note}.`)].join(" "));
    } catch (error) {
      this.say(error.message, true);
    }
  }
}
