// Why an alert was raised: its picture with regions, the share of each stream, and the most similar normal moments.

import { kindOf } from "./alert_words.js";
import { get, getJson } from "./api.js";
import { clearEvidence, showEvidence } from "./evidence.js";
import { dateTime, position } from "./format.js";
import { showGenerated } from "./generated.js";
import { nameOf } from "./shell/site.js";
import { say, showVerdict } from "./verdicts.js";

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);
let shown = null; // the id of the alert in the dialog

/** The alert in the dialog; null while it is closed. */
export const inDetail = () => (shown ? byId("detail").querySelector(".judgement").alert : null);

/** Open the dialog for an alert. `rows`: the lines that the list shows of it. */
export async function openDetail(alert, rows) {
  shown = alert.id;
  const dialog = byId("detail");
  dialog.querySelector("h2").textContent = `${nameOf(alert.camera_id)}: ${kindOf(alert)}`;
  fill(dialog.querySelector(".facts"), ...rows.map((row) => element("p", "", row)));
  showVerdict(dialog.querySelector(".judgement"), alert, byId("note"));
  byId("note").value = alert.verdict?.note ?? "";
  fill(byId("detail-picture")); // the picture of the previous alert must not appear under this one's name
  fill(byId("detail-streams"));
  clearEvidence(byId("detail-evidence"));
  if (!dialog.open) dialog.showModal();
  await load(alert);
}

/** Update the verdict in the dialog, if it shows this alert. */
export function renewVerdict(alert) {
  if (shown === alert.id) showVerdict(byId("detail").querySelector(".judgement"), alert, byId("note"));
}

/** Update the dialog, if it shows this alert. */
export async function renewDetail(alert) {
  if (shown === alert.id && byId("detail").open) await load(alert);
}

async function load(alert) {
  const path = `api/v1/alerts/${encodeURIComponent(alert.id)}`; // not the alert's own link, which a proxy may change
  showEvidence(byId("detail-evidence"), alert);
  showGenerated(byId("detail-generated"), alert).catch(() => {}); // the alert says enough without it
  const [picture, explanation] = await Promise.all([
    kept(get(`${path}/snapshot.jpg`).then((response) => response.blob())),
    alert.explanation ? kept(getJson(`${path}/explanation`)) : null,
  ]);
  if (shown !== alert.id) return; // another alert was opened meanwhile
  const streams = explanation ? [...explanation.streams].map((stream, index) => ({ ...stream, index })) : [];
  fill(byId("detail-picture"), picture ? framed(URL.createObjectURL(picture), streams, explanation) : "No picture was kept.");
  streams.sort((a, b) => b.contribution - a.contribution);
  fill(byId("detail-streams"), contextLine(explanation), ...(explanation ? streams.map(streamPart) : [alert.explanation ? "No explanation was kept." : ""]));
}

/** The value, or null when the API says 404. */
async function kept(request) {
  try {
    return await request;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function framed(url, streams, explanation) {
  const boxes = streams.filter((stream) => stream.region).map((stream) => [stream.region, stream]);
  return overlaid(url, "frame at the alert's peak", explanation?.width ?? 1, explanation?.height ?? 1, boxes);
}

/** A picture with boxes drawn over it, in units of `width` x `height`. `keep`: others show it too. */
export function overlaid(url, alt, width, height, boxes, { keep = false } = {}) {
  const node = element("div", "overlaid");
  const img = element("img");
  Object.assign(img, { src: url, alt });
  img.addEventListener("load", () => node.style.setProperty("--ratio", img.naturalWidth / img.naturalHeight), { once: true });
  img.addEventListener("load", () => url.startsWith("blob:") && !keep && URL.revokeObjectURL(url), { once: true });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  for (const [{ x1, y1, x2, y2 }, stream] of boxes) {
    const rect = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x: x1, y: y1, width: x2 - x1, height: y2 - y1 })) rect.setAttribute(name, value);
    rect.classList.add("box", `stream-${stream.index % 6}`);
    const title = document.createElementNS(SVG, "title");
    title.textContent = stream.name;
    rect.append(title);
    svg.append(rect);
  }
  node.append(img, svg);
  return node;
}

/** What the picture was compared with, where the camera has a normal of its own for some light. */
export function contextLine(explanation) {
  return explanation?.context ? element("p", "facts", `Compared with what is normal in this light: ${explanation.context}.`) : "";
}

/** The share of a stream, and what is normal in its view. */
export function streamPart(stream) {
  const node = element("section", `stream-${stream.index % 6}`);
  node.dataset.stream = stream.name;
  const share = Math.round(stream.contribution * 100);
  node.append(element("h3", "", stream.rarity == null ? `${stream.name}: no value at this moment` : `${stream.name}: ${share} %`));
  if (stream.rarity == null) return node;
  const bar = element("div", "bar");
  const filled = element("div");
  filled.style.width = `${share}%`;
  bar.append(filled);
  const exemplars = element("div", "nearest");
  exemplars.append(...stream.nearest.map((nearest) => exemplarPart(nearest, stream)));
  const facts = element("p", "facts", "The most similar moments of normal footage:");
  facts.title = `rarity ${stream.rarity.toFixed(1)} (higher is rarer in normal footage), distance ${stream.distance.toPrecision(3)}`;
  node.append(bar, facts, exemplars);
  return node;
}

function exemplarPart(nearest, stream) {
  const node = element("figure");
  const when = nearest.captured ? dateTime(nearest.captured) : `at ${position(nearest.time_s)}`;
  const url = nearest.thumbnail && `data:image/jpeg;base64,${nearest.thumbnail}`;
  node.append(url ? overlaid(url, `normal ${when}`, 1, 1, [[nearest.region, stream]]) : element("div", "no-picture", "no thumbnail kept"));
  node.append(element("figcaption", "", nearest.captured ? when : `${nearest.source}, ${when}`));
  node.title = `${nearest.source}, ${when}; distance ${nearest.distance.toPrecision(3)}`;
  return node;
}

function element(name, className = "", text = "") {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function fill(node, ...children) {
  node.replaceChildren(...children);
}

const dialog = byId("detail");
byId("note").addEventListener("keydown", (event) => {
  const alert = inDetail();
  if (event.key === "Enter" && alert?.verdict) say(alert, alert.verdict.verdict, byId("note").value);
});
dialog.addEventListener("close", () => { shown = null; clearEvidence(byId("detail-evidence")); });
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // a click beside the dialog
