// The report on a camera's last days, asked for when it is unfolded.

import { getJson } from "./api.js";
import { withLocalTimes } from "./format.js";

/** Fill the list in `details` each time it is opened. */
export function followReport(details, cameraId, fault) {
  details.addEventListener("toggle", () => details.open && show(details, cameraId).catch(fault));
}

async function show(details, cameraId) {
  const report = await getJson(`api/v1/cameras/${encodeURIComponent(cameraId)}/report`);
  details.querySelector("ul").replaceChildren(...report.lines.map(item));
}

function item(line) {
  const node = document.createElement("li");
  node.textContent = withLocalTimes(line);
  return node;
}
