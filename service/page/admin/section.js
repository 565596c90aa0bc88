// A part of a page about the whole installation: a heading, what it lists, and a line that says what came of a change.

import { send } from "../api.js";
import { element, fill, sentence } from "../shell/element.js";

const LOADING = "Loading …";

export class Section {
  #said = element("p.said-here", { role: "status" });
  content = element("div.stack");

  constructor(title, ...more) {
    this.node = element("section.panel.stack", { "aria-label": title }, element("h3", {}, title), this.content, ...more, this.#said);
  }

  say(text, warned = false) {
    fill(this.#said, ...sentence(text));
    this.#said.classList.toggle("warned", warned);
  }

  /** Load and show. An installation without this part says so (404). */
  async renew() {
    if (!this.content.hasChildNodes()) this.say(LOADING);
    try {
      await this.load();
      if (this.#said.textContent === LOADING) this.say("");
    } catch (error) {
      this.say(error.status === 404 ? "This installation does not have it." : error.message, true);
    }
  }

  /** Change something, say what came of it, and show it. Returns the answer; null: it was refused. */
  async change(method, path, body, text) {
    this.say("One moment …");
    try {
      const answer = await send(method, path, body);
      await this.renew();
      this.say(typeof text === "function" ? text(answer) : text);
      return answer ?? {};
    } catch (error) {
      this.say(`Not done: ${error.message}`, true);
      return null;
    }
  }
}

/** A button for one action. */
export const action = (text, onclick, more = "") => element(`button.quiet${more}`, { type: "button", onclick }, text);

/** A table with these headings. */
export function table(headings, rows) {
  return element("div.scroll", {}, element("table.user-table", {},
    element("thead", {}, element("tr", {}, ...headings.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((cell, at) => element("td", { dataset: { label: headings[at] } }, cell)))))));
}
