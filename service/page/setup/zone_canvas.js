// Zones drawn on a picture: by pointer or finger, or by keys with a cross that the arrows move.
//
// Corners are shares (0..1) of the picture's width and height.

import { element } from "../shell/element.js";

const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.01, LARGE_STEP = 0.05;
const NEAR = 0.03; // so close to the first corner, a click closes the outline
const DRAG = 0.04; // a longer stroke draws a rectangle
const MOST_CORNERS = 64;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @typedef {{name: string, kind: string, points: Array<[number, number]>}} Zone */

export class ZoneCanvas {
  #zones = [];
  #chosen = -1; // the zone whose corners are shown
  #drawing = null; // corners so far
  #cross = [0.5, 0.5];
  #pressed = null; // where a stroke began
  #svg = document.createElementNS(SVG, "svg");
  #onDrawn;
  #onMoved;

  /** `onDrawn(points)`: an outline was finished. `onMoved(index, points)`: corners of a zone were changed. */
  constructor(onDrawn, onMoved) {
    this.#onDrawn = onDrawn;
    this.#onMoved = onMoved;
    this.img = element("img", { alt: "", hidden: true, draggable: false });
    this.node = element("div.zone-canvas", {
      tabIndex: 0, role: "application", "aria-label": "Picture with zones. While drawing: arrows move the cross, Space sets a corner, Enter finishes, Backspace takes the last corner back, Escape gives up.",
      onkeydown: (event) => this.#onKey(event),
      onpointerdown: (event) => this.#onDown(event),
      onpointerup: (event) => this.#onUp(event),
      onpointermove: (event) => this.#onMove(event),
    }, this.img, this.#svg);
    this.img.addEventListener("load", () => this.#draw());
  }

  get drawing() {
    return this.#drawing !== null;
  }

  /** @param {Zone[]} zones */
  show(zones, chosen) {
    this.#zones = zones;
    this.#chosen = chosen;
    this.#draw();
  }

  /** Begin an outline; the next clicks are its corners. */
  begin() {
    this.#drawing = [];
    this.#cross = [0.5, 0.5];
    this.node.classList.add("drawing");
    this.#draw();
    this.node.focus();
  }

  /** Finish the outline, or give it up where it has no area. */
  finish() {
    const points = this.#drawing ?? [];
    this.cancel();
    if (points.length >= 3) this.#onDrawn(points);
  }

  cancel() {
    this.#drawing = null;
    this.#pressed = null;
    this.node.classList.remove("drawing");
    this.#draw();
  }

  #at(event) {
    const { left, top, width, height } = this.#svg.getBoundingClientRect();
    return [clamped((event.clientX - left) / width), clamped((event.clientY - top) / height)];
  }

  #onDown(event) {
    if (!this.drawing) return;
    event.preventDefault();
    this.node.focus();
    this.node.setPointerCapture(event.pointerId);
    this.#pressed = this.#at(event);
  }

  #onMove(event) {
    if (!this.drawing) return;
    this.#cross = this.#at(event);
    this.#draw();
  }

  #onUp(event) {
    if (!this.drawing || !this.#pressed) return;
    const [from, to] = [this.#pressed, this.#at(event)];
    this.#pressed = null;
    const isStroke = Math.abs(from[0] - to[0]) > DRAG && Math.abs(from[1] - to[1]) > DRAG;
    if (isStroke && !this.#drawing.length) {
      this.#drawing = [from, [to[0], from[1]], to, [from[0], to[1]]];
      this.finish();
    } else this.#addCorner(to);
  }

  #addCorner(point) {
    const [first] = this.#drawing;
    const closes = this.#drawing.length >= 3 && Math.hypot(point[0] - first[0], point[1] - first[1]) < NEAR;
    if (closes || this.#drawing.length >= MOST_CORNERS) return this.finish();
    const last = this.#drawing.at(-1);
    if (!last || last.join() !== point.join()) this.#drawing.push(point);
    this.#draw();
  }

  #onKey(event) {
    if (!this.drawing || event.target !== this.node) return;
    const arrow = ARROWS[event.key];
    if (arrow) this.#cross = moved(this.#cross, arrow, event.shiftKey);
    else if (event.key === " ") this.#addCorner(this.#cross);
    else if (event.key === "Enter") this.finish();
    else if (event.key === "Escape") this.cancel();
    else if (event.key === "Backspace") this.#drawing.pop();
    else return;
    event.preventDefault();
    this.#draw();
  }

  #draw() {
    const { naturalWidth: width, naturalHeight: height } = this.img;
    const [w, h] = [width || 16, height || 9];
    const focused = this.#svg.contains(document.activeElement) ? document.activeElement.dataset.corner : null;
    this.#svg.setAttribute("viewBox", `0 0 ${w} ${h}`);
    const parts = this.#zones.flatMap((zone, at) => this.#zoneParts(zone, at, w, h));
    if (this.drawing) parts.push(...this.#draftParts(w, h));
    this.#svg.replaceChildren(...parts);
    if (focused != null) this.#svg.querySelector(`[data-corner="${focused}"]`)?.focus();
  }

  #zoneParts(zone, at, w, h) {
    const group = shape("g", { class: `zone zone-${zone.kind}${at === this.#chosen ? " chosen" : ""}` });
    group.append(shape("polygon", { points: zone.points.map(([x, y]) => `${x * w},${y * h}`).join(" ") }));
    const [x, y] = zone.points.reduce((a, b) => (b[1] < a[1] ? b : a));
    const text = shape("text", { x: x * w, y: y * h + h / 14, "font-size": h / 18 });
    text.textContent = zone.name;
    group.append(text);
    if (at === this.#chosen && !this.drawing) group.append(...zone.points.map((_, corner) => this.#handle(zone, corner, w, h)));
    return [group];
  }

  #handle(zone, corner, w, h) {
    const [x, y] = zone.points[corner];
    const label = `corner ${corner + 1} of ${zone.name}: ${Math.round(x * 100)} % from the left, ${Math.round(y * 100)} % from the top`;
    const handle = shape("circle", { cx: x * w, cy: y * h, r: h / 45, class: "handle", tabindex: 0, role: "button", "aria-label": label, "data-corner": corner });
    const put = (point) => this.#onMoved(this.#chosen, zone.points.map((old, at) => (at === corner ? point : old)));
    handle.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (arrow) put(moved(zone.points[corner], arrow, event.shiftKey));
      else if (event.key === "Delete" && zone.points.length > 3) this.#onMoved(this.#chosen, zone.points.filter((_, at) => at !== corner));
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const move = (moving) => put(this.#at(moving));
      const end = () => {
        removeEventListener("pointermove", move);
        removeEventListener("pointerup", end);
        removeEventListener("pointercancel", end);
      };
      addEventListener("pointermove", move);
      addEventListener("pointerup", end);
      addEventListener("pointercancel", end);
    });
    return handle;
  }

  #draftParts(w, h) {
    const [x, y] = this.#cross;
    const from = this.#pressed;
    const stroke = from && !this.#drawing.length ? [from, [x, from[1]], [x, y], [from[0], y], from] : [...this.#drawing, this.#cross];
    return [
      shape("polyline", { class: "draft", points: stroke.map(([px, py]) => `${px * w},${py * h}`).join(" ") }),
      ...this.#drawing.map(([px, py]) => shape("circle", { class: "handle", cx: px * w, cy: py * h, r: h / 60 })),
      shape("path", { class: "cross", d: `M${x * w - h / 30} ${y * h}h${h / 15}M${x * w} ${y * h - h / 30}v${h / 15}` }),
    ];
  }
}

const clamped = (share) => Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 10_000;

function moved([x, y], [dx, dy], far) {
  const step = far ? LARGE_STEP : STEP;
  return [clamped(x + dx * step), clamped(y + dy * step)];
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
