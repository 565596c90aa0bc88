// One camera: its live picture and zones, its state with the next step, what it learns, its banks and corrections.

import { byId, element, fill } from "../shell/element.js";
import { cameraOf, nameOf, statusOf } from "../shell/site.js";
import { judge } from "../verdicts.js";
import { BanksPart } from "./banks.js";
import { CorrectionsPart } from "./corrections.js";
import { LearningPart } from "./learning.js";
import { SettingsPart } from "./settings.js";
import { StatePart } from "./state.js";
import { ZoneEditor } from "./zone_editor.js";

export class CameraPage {
  #parts;

  constructor(id, root) {
    this.id = id;
    judge(null);
    const columns = [[StatePart, ZoneEditor, CorrectionsPart], [LearningPart, SettingsPart, BanksPart]].map((column) => column.map((Part) => new Part(id)));
    this.#parts = columns.flat();
    fill(root, element("p", {}, element("a", { href: "#/cameras" }, "‹ All cameras")),
      element("div.setup-parts", {}, ...columns.map((parts) => element("div.setup-column", {}, ...parts.map((part) => part.node)))));
  }

  /** Show what was read of the camera. */
  show() {
    const camera = cameraOf(this.id);
    if (!camera) return;
    byId("setup-title").textContent = nameOf(this.id);
    for (const part of this.#parts) this.#show(part, camera).catch((error) => part.say(error.message, true));
  }

  async #show(part, camera) {
    await part.show(camera, statusOf(this.id));
  }

  close() {
    for (const part of this.#parts) part.close?.();
  }
}
