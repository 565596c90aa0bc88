// What the parts of a camera's page have in common: a heading, a line that says what came of a change, an address.

import { send } from "../api.js";
import { element, fill, sentence } from "../shell/element.js";
import { refreshSite } from "../shell/site.js";

export class Part {
  #said = element("p.said-here", { role: "status" });

  /** `needs`: the role that may do what it offers. */
  constructor(cameraId, title, needs = "") {
    this.cameraId = cameraId;
    this.node = element("section.panel", { "aria-label": title, "data-needs": needs || null }, element("h3", {}, title));
  }

  /** The address of something of this camera in the API. */
  path(rest = "") {
    return `api/v1/cameras/${encodeURIComponent(this.cameraId)}${rest}`;
  }

  add(...children) {
    this.node.append(...children.filter(Boolean), this.#said);
  }

  say(text, warned = false) {
    fill(this.#said, ...sentence(text));
    this.#said.classList.toggle("warned", warned);
  }

  /** Change something, and say what came of it. Returns the answer; null: it was refused. */
  async change(method, rest, body, text) {
    this.say("One moment …");
    try {
      const answer = await send(method, this.path(rest), body);
      this.say(typeof text === "function" ? text(answer) : text);
      refreshSite().catch(() => {}); // the next look shows it
      return answer ?? {};
    } catch (error) {
      this.say(`Not done: ${error.message}`, true);
      return null;
    }
  }
}
