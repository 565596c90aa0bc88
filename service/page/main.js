// The page: what is pushed is passed on, and the address says which of its parts is shown.

import { follow } from "./api.js";
import { onCaller } from "./login.js";
import { fault } from "./shell/faults.js";
import { byId } from "./shell/element.js";
import { installShell } from "./shell/install.js";
import { addView, startRouter } from "./shell/router.js";
import { knownCameras, listen, refreshSite, statusOf, tell } from "./shell/site.js";
import { startVerdicts } from "./verdicts.js";

const topics = { scores: false, alerts: false };

addView("live", () => import("./live/live.js"));
addView("review", () => import("./review/review.js"));
addView("cameras", () => import("./setup/setup.js"));
addView("notifications", () => import("./admin/notifications.js"));
addView("users", () => import("./admin/users.js"));
addView("health", () => import("./admin/health.js"));

function onState(topic, live, reason) {
  topics[topic] = live;
  const all = topics.scores && topics.alerts;
  byId("link").textContent = all ? "live" : reason ? "refused" : "connecting";
  byId("link").dataset.health = all ? "ok" : "connecting";
  byId("link-fault").hidden = all || !reason;
  if (reason) byId("link-fault").textContent = `Scores and alerts are not updated live: ${reason}`;
}

function showSummary() {
  const cameras = knownCameras();
  const healthy = cameras.filter((camera) => statusOf(camera.id)?.health === "ok").length;
  byId("summary").textContent = cameras.length ? `${healthy} of ${cameras.length} cameras ok` : "no camera yet";
}

/** What a role may not do is not offered; the service refuses it anyhow. */
function showRole(caller) {
  document.body.dataset.role = caller?.role ?? "";
}

async function start() {
  onCaller(showRole);
  listen("site", showSummary);
  startVerdicts();
  const shown = startRouter(fault);
  await refreshSite().catch(fault); // asks for the token before the WebSockets need it
  follow("alerts", (message) => tell(message.type, message), (live, reason) => onState("alerts", live, reason));
  follow("scores", (message) => tell(message.type, message), (live, reason) => onState("scores", live, reason));
  await shown;
  installShell();
}

start().catch(fault);
