// Cameras: all of them with what to do next, one to add, and each with everything that can be set.

import { byId, element, fill, sentence } from "../shell/element.js";
import { fault } from "../shell/faults.js";
import { addressOf } from "../shell/router.js";
import { cameraOf, knownCameras, listen, nameOf, refreshSite, statusOf, watchSite } from "../shell/site.js";
import { healthPill } from "../health_pill.js";
import { AddCamera } from "./add.js";
import { CameraPage } from "./camera.js";
import { FindCameras } from "./find.js";

const root = byId("setup");
let leaving = [];
let page = null; // {id, show(), close()} of what is shown

/** @param {import("../shell/router.js").Route} asked */
export async function enter({ path }) {
  const id = path[1] ?? null;
  if (!leaving.length) leaving = [listen("site", () => page?.show()), watchSite(fault)];
  if (page?.id === id) return;
  page?.close?.();
  page = null;
  fill(root);
  await refreshSite();
  byId("setup-title").textContent = id ? nameOf(id) : "Cameras";
  page = id == null ? overview() : cameraOf(id) ? new CameraPage(id, root) : missing(id);
  page.show();
}

export function leave() {
  page?.close?.();
  page = null;
  fill(root);
  leaving.forEach((end) => end());
  leaving = [];
}

function missing(id) {
  fill(root, element("p.panel", {}, `There is no camera ${id}. `, element("a", { href: addressOf("cameras") }, "All cameras")));
  return { id, show() {} };
}

function overview() {
  const list = element("ul.camera-list");
  const adding = new AddCamera();
  fill(root, element("section", { "aria-label": "All cameras" }, list), new FindCameras().node, adding.node);
  return { id: null, show: () => fill(list, ...knownCameras().map(rowOf)) };
}

function rowOf(camera) {
  const status = statusOf(camera.id);
  return element("li.panel", { dataset: { camera: camera.id } },
    element("a", { href: addressOf(`cameras/${encodeURIComponent(camera.id)}`) }, nameOf(camera.id)), " ", healthPill(status),
    element("span.facts", {}, camera.source === "push:" ? "publishes to Patchwatch" : camera.source),
    status?.reason && element("span.reason", {}, ...sentence(status.reason)));
}
