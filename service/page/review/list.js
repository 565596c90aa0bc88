// The alerts as small pictures, in the order in which they are reviewed.

import { kindOf } from "../alert_words.js";
import { clock } from "../format.js";
import { element, fill } from "../shell/element.js";
import { nameOf } from "../shell/site.js";
import { pictureOf } from "./pictures.js";

const WORDS = { normal: "normal", normal_at_this_time: "normal at this time", anomaly: "real anomaly", unsure: "not sure" };

export class AlertList {
  #rows = new Map(); // alert id -> {alert, node}
  #onChoose;
  #onPick;
  #watcher;

  /** `onChoose(id)`: it is to be shown. `onPick(id, picked)`: it is one of those that are judged together, or no more. */
  constructor(onChoose, onPick) {
    this.#onChoose = onChoose;
    this.#onPick = onPick;
    this.node = element("ol.alert-list", { "aria-label": "Alerts to review" });
    this.#watcher = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
      this.#watcher.unobserve(target);
      this.#showPicture(target.dataset.alert);
    }), { rootMargin: "200px" });
  }

  /** Show these alerts, in this order. */
  show(alerts) {
    this.#watcher.disconnect();
    const before = this.#rows;
    this.#rows = new Map();
    for (const alert of alerts) {
      const node = before.get(alert.id)?.node ?? this.#row(alert);
      this.#rows.set(alert.id, { alert, node });
      this.update(alert);
      if (node.querySelector("img").hidden) this.#watcher.observe(node);
    }
    fill(this.node, ...[...this.#rows.values()].map(({ node }) => node));
  }

  #row(alert) {
    return element("li", { dataset: { alert: alert.id } },
      element("button", { type: "button", onclick: () => this.#onChoose(alert.id) },
        element("img", { alt: "", hidden: true }),
        element("strong", {}), element("span.kind", {}), element("span.when", {}), element("span.said", {})),
      element("label.pick", {}, element("input", { type: "checkbox", onchange: ({ target }) => this.#onPick(alert.id, target.checked) })));
  }

  /** Show its present state. */
  update(alert) {
    const row = this.#rows.get(alert.id);
    if (!row) return;
    row.alert = alert;
    const { node } = row;
    node.classList.toggle("reviewed", alert.reviewed);
    node.classList.toggle("open", alert.state === "open");
    node.querySelector("strong").textContent = nameOf(alert.camera_id);
    node.querySelector(".kind").textContent = kindOf(alert);
    node.querySelector(".when").textContent = clock(alert.started);
    node.querySelector(".said").textContent = WORDS[alert.verdict?.verdict] ?? (alert.state === "open" ? "open" : "");
    node.querySelector(".said").dataset.verdict = alert.verdict?.verdict ?? "";
    node.querySelector("input").setAttribute("aria-label", `Select ${nameOf(alert.camera_id)}, ${clock(alert.started)}`);
  }

  /** Mark those that are judged together. */
  mark(picked) {
    for (const [id, { node }] of this.#rows) {
      node.querySelector("input").checked = picked.has(id);
      node.classList.toggle("picked", picked.has(id));
    }
  }

  /** Its picture changed. */
  renew(alert) {
    if (this.#rows.has(alert.id)) this.#showPicture(alert.id);
  }

  async #showPicture(alertId) {
    const row = this.#rows.get(alertId);
    if (!row) return;
    const address = await pictureOf(row.alert).catch(() => null);
    const img = row.node.querySelector("img");
    if (address) Object.assign(img, { src: address, hidden: false });
  }

  /** Mark the chosen alert, and bring it into view. */
  choose(alertId) {
    for (const [id, { node }] of this.#rows) {
      const button = node.querySelector("button");
      if (id === alertId) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    const { offsetTop, offsetHeight } = this.#rows.get(alertId)?.node ?? { offsetTop: 0, offsetHeight: 0 };
    const { scrollTop, clientHeight } = this.node;
    const room = Math.min(clientHeight, innerHeight - this.node.getBoundingClientRect().top); // its end may be below the window, as the page itself stays
    if (offsetTop < scrollTop || offsetTop + offsetHeight > scrollTop + room) this.node.scrollTop = offsetTop - Math.max(0, Math.min(40, room - offsetHeight));
  }
}
