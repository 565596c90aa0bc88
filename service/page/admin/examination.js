// The checks of `patchwatch doctor`, run beside the service: for admins, as they name folders and addresses.

import { getJson } from "../api.js";
import { dateTime } from "../format.js";
import { element, fill, sentence } from "../shell/element.js";
import { action, Section } from "./section.js";

export class Examination extends Section {
  constructor() {
    super("Checks of the installation");
    this.node.dataset.needs = "admin";
  }

  async load() {
    this.say("Checking: this takes some seconds …");
    const { findings, at } = await getJson("api/v1/examination");
    this.say("");
    const wrong = findings.filter(({ level }) => level !== "ok");
    const right = findings.filter(({ level }) => level === "ok");
    fill(this.content,
      element("p", {}, wrong.length ? `${wrong.length} of ${findings.length} checks found something to look at.` : `All ${findings.length} checks are well.`),
      element("ul.findings", {}, ...wrong.map(rowOf)),
      element("details", {}, element("summary", {}, `${right.length} ${right.length === 1 ? "check is" : "checks are"} well`), element("ul.findings", {}, ...right.map(rowOf))),
      element("div.row", {}, action("Check again", () => this.renew()),
        element("span.facts", {}, `Checked ${dateTime(at)}, on the machine of the service, as `, element("code", {}, "patchwatch doctor"), " does.")));
  }
}

const WORDS = { ok: "well", warn: "look at it", fail: "to correct" };

function rowOf({ level, check, text }) {
  return element("li", {}, element("span.pill", { dataset: { level } }, WORDS[level]), " ", element("strong", {}, check), ": ", ...sentence(text));
}
