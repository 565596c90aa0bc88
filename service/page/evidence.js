// The clip of an alert, and the archive of all its evidence. Signed links are used: a <video> sends no token.

import { url } from "./address.js";
import { getJson } from "./api.js";

const AGAIN_MS = 3000, MOST_TRIES = 240; // while it is recorded: an alert may last ten minutes
const shown = new WeakMap(); // element -> { id, clip, timer, tries }

/** Show the evidence of an alert in an element, now and when it is ready. A clip that plays is left alone. */
export async function showEvidence(node, alert) {
  const before = shown.get(node);
  const state = before?.id === alert.id ? before : { id: alert.id, tries: 0 };
  if (state !== before) clearEvidence(node);
  shown.set(node, state);
  clearTimeout(state.timer);
  const evidence = await getJson(`api/v1/alerts/${encodeURIComponent(alert.id)}/evidence`).catch((error) => ({ reason: error.message }));
  if (shown.get(node) !== state) return; // another alert is shown by now
  if (evidence.state === "recording" && state.tries++ < MOST_TRIES) state.timer = setTimeout(() => showEvidence(node, alert), AGAIN_MS);
  if (!state.ready) node.replaceChildren(...parts(evidence));
  state.ready = evidence.state === "ready";
}

/** Stop the clip, and ask no more. */
export function clearEvidence(node) {
  clearTimeout(shown.get(node)?.timer);
  shown.delete(node);
  node.replaceChildren();
}

function parts(evidence) {
  if (evidence.state === "recording") return [line("The clip is being recorded.")];
  if (evidence.state !== "ready") return [line(`There is no clip: ${evidence.reason}.`)];
  const nodes = [];
  if (evidence.links.clip) {
    const video = document.createElement("video");
    Object.assign(video, { src: relative(evidence.links.clip), controls: true, muted: true, loop: true, playsInline: true, preload: "metadata" });
    if (evidence.links.picture) video.poster = relative(evidence.links.picture);
    video.setAttribute("aria-label", "clip of the alert");
    nodes.push(video);
  }
  const archive = document.createElement("a");
  Object.assign(archive, { href: relative(evidence.links.archive), textContent: "Download all evidence", download: "" });
  const facts = line(evidence.reason ? `${evidence.reason}. ` : "");
  facts.append(archive);
  return [...nodes, facts];
}

/** As the page is addressed, whatever a proxy adds in front. */
const relative = (link) => url(link.slice(link.indexOf("/links/") + 1)).href;

function line(text) {
  const node = document.createElement("p");
  Object.assign(node, { className: "facts", textContent: text });
  return node;
}
