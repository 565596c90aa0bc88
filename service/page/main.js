// The page: cameras with their live scores, and alerts as they open.

import { nameCameras, showAlert, showChange, start as startAlerts } from "./alerts.js";
import { follow, get, getJson } from "./api.js";
import { clock, duration, rate, withLocalTimes } from "./format.js";
import { drawLine, SPAN_MS } from "./line.js";
import { followReport } from "./report.js";
import { start as startSiteBudget } from "./site_budget.js";
import { openTrial } from "./trial.js";
import { drawZones } from "./zones.js";

const STATUS_MS = 2000;
const byId = (id) => document.getElementById(id);
const cards = new Map(); // camera id -> {node, points, status, zones}
const topics = { scores: false, alerts: false };

function fault(error) {
  byId("fault").hidden = !error;
  byId("fault").textContent = error ? `This page is out of date until the service answers again: ${error.message}` : "";
}

function clone(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

async function showPicture(img, path) {
  const blob = await (await get(path)).blob();
  const before = img.src;
  img.src = URL.createObjectURL(blob);
  img.hidden = false;
  if (before) URL.revokeObjectURL(before);
}

// Cameras

function cardOf(camera) {
  let card = cards.get(camera.id);
  if (!card) {
    const node = clone("camera-card");
    node.dataset.camera = camera.id;
    byId("cameras").append(node);
    card = { node, points: [], status: null, zones: [] };
    cards.set(camera.id, card);
    node.querySelector(".picture img").addEventListener("load", () => showZones(cards.get(camera.id)));
    node.querySelector(".try-budget").addEventListener("click", () => openTrial(camera.id, card.status?.analysis?.threshold));
    loadScores(camera.id, card).catch(fault);
    followReport(node.querySelector(".report"), camera.id, fault);
  }
  card.node.querySelector(".adopted").hidden = !camera.adopted;
  card.node.querySelector("h3").textContent = camera.name ? `${camera.name} (${camera.id})` : camera.id;
  card.zones = camera.zones ?? [];
  showZones(card);
  return card;
}

function showZones(card) {
  if (card) drawZones(card.node.querySelector(".zones"), card.node.querySelector(".picture img"), card.zones);
}

async function loadScores(cameraId, card) {
  const from = Date.now() - SPAN_MS;
  const series = await getJson(`api/v1/cameras/${cameraId}/scores?from=${from}&limit=10000`);
  const newest = series.points.length ? Date.parse(series.points.at(-1).t) : 0;
  const loaded = series.points.map((point) => ({ t: Date.parse(point.t), score: point.score }));
  card.points = [...loaded, ...card.points.filter((point) => point.t > newest)];
}

function showStatus(card, status) {
  card.status = status;
  const { node } = card;
  const pill = node.querySelector(".health");
  pill.textContent = status.health.replace("_", " ");
  pill.dataset.health = status.health;
  node.querySelector(".random").hidden = !status.random_weights;
  showArming(node, status.arming);
  node.querySelector(".reason").textContent = withLocalTimes(status.reason);
  const { frames, capture, analysis } = status;
  const dropped = Object.values(frames.dropped).reduce((sum, count) => sum + count, 0);
  node.querySelector(".facts").textContent = [
    analysis && `profile ${analysis.profile}`,
    capture?.width && `${capture.width}x${capture.height}`,
    capture?.fps != null && `${capture.fps.toFixed(1)} frames/s`,
    status.lag_s != null && `lag ${Math.max(0, status.lag_s).toFixed(2)} s`,
    analysis?.bank_id || frames.scored ? `${frames.scored} scored, ${dropped} dropped` : `${frames.captured} frames seen`,
    shareInWords(status.alerts_confirmed_share),
    frames.balanced ? "" : "some frames are not accounted for",
    status.last_gap && `last without frames from ${clock(status.last_gap.from)} to ${clock(status.last_gap.to)}`,
  ].filter(Boolean).join(" · ");
  showBudget(node.querySelector(".budget"), analysis?.threshold, status.budget);
  node.querySelector(".try-budget").hidden = !analysis?.threshold;
  const learning = status.enrolment?.text ?? "";
  node.querySelector(".enrolment").textContent = status.reason.includes(learning) ? "" : learning; // the reason may say it already
  showLearnt(card, analysis?.bank_id).catch(fault);
  showScore(card);
}

/** How far its normal is known: learning with its progress, provisional, or armed. */
function showArming(node, arming) {
  const pill = node.querySelector(".arming");
  pill.hidden = !arming.state;
  pill.textContent = arming.state ?? "";
  pill.dataset.health = arming.state ?? "";
  pill.title = [arming.text, arming.next_step].filter(Boolean).join("; ");
  const progress = node.querySelector(".learning");
  progress.hidden = arming.state !== "learning";
  progress.value = Math.min(1, arming.remembered_s / arming.first_bank_s);
}

/** The camera's alarm budget: how many false alarms to expect, and above which score; why so many, where that is a part
 * of the site's budget. */
function showBudget(line, threshold, budget) {
  const expected = threshold ? threshold.warning || `expect about ${rate(threshold.expected)} false alarms a day` : "";
  line.textContent = [expected, budget?.source === "site" && budget.text].filter(Boolean).join("; ");
  line.classList.toggle("warned", Boolean(threshold?.warning));
  line.title = threshold
    ? `Expect ${rate(threshold.expected_low)} to ${rate(threshold.expected_high)} false alarms a day. Learn from more normal footage `
      + `(so far ${duration(3600 * threshold.footage_hours)}) to narrow this range. An alert opens above a score of ${threshold.on.toFixed(2)}.`
    : "";
}

/** How complete the active bank is, by the report of its enrolment. Requested once for each bank. */
async function showLearnt(card, bankId) {
  if (!bankId || card.bankId === bankId) return;
  const { enrolments } = await getJson(`api/v1/cameras/${card.status.camera_id}/enrolments`);
  const report = enrolments.find((enrolment) => enrolment.bank_id === bankId)?.report;
  if (report || !enrolments.some(({ state }) => state === "running")) card.bankId = bankId; // a running one may still write it
  const line = card.node.querySelector(".learnt");
  line.textContent = report ? `${VERDICTS[report.verdict] ?? report.verdict} (${duration(report.seconds)} learnt)` : "";
  line.title = report?.next_step ?? "";
  line.dataset.verdict = report?.verdict ?? "";
}

const VERDICTS = {
  complete: "normal is known", still_learning: "more normal footage is needed", too_short: "too little normal footage: learn from more",
};

function showScore(card) {
  const output = card.node.querySelector(".score");
  const last = card.points.at(-1) ?? (card.status?.last_score && { score: card.status.last_score.score });
  output.textContent = last ? last.score.toFixed(2) : "–";
  const stale = !["ok", "ended"].includes(card.status?.health);
  output.classList.toggle("stale", stale);
  output.title = stale ? "out of date: no new scores arrive" : "latest score";
  const threshold = card.status?.analysis?.threshold_on;
  const alarm = Boolean(last) && threshold != null && last.score >= threshold && card.status.health === "ok";
  output.classList.toggle("alarm", alarm);
  card.node.classList.toggle("alarm", alarm);
}

/** How many of the alerts that operators judged were right. */
const shareInWords = (share) => share && `${share.confirmed} of ${share.judged} judged alerts were real anomalies`;

async function refresh() {
  try {
    const [{ cameras }, { statuses }] = await Promise.all([getJson("api/v1/cameras"), getJson("api/v1/status")]);
    const known = new Set(cameras.map((camera) => camera.id));
    for (const [id, card] of cards) if (!known.has(id)) { card.node.remove(); cards.delete(id); }
    cameras.forEach(cardOf);
    statuses.forEach((status) => cards.has(status.camera_id) && showStatus(cards.get(status.camera_id), status));
    nameCameras(cameras.map((camera) => camera.id));
    byId("no-cameras").hidden = cameras.length > 0;
    const healthy = statuses.filter((status) => status.health === "ok").length;
    byId("summary").textContent = `${healthy} of ${cameras.length} cameras ok`;
    await Promise.all([...cards].map(([id, card]) => refreshPicture(id, card.node)));
    fault(null);
  } catch (error) {
    fault(error);
  }
  setTimeout(refresh, STATUS_MS);
}

async function refreshPicture(cameraId, node) {
  const img = node.querySelector("img");
  img.alt = `latest frame of ${cameraId}`;
  try {
    await showPicture(img, `api/v1/cameras/${cameraId}/snapshot.jpg`);
  } catch (error) {
    if (error.status !== 404) throw error;
    img.hidden = true;
  }
  node.querySelector(".no-picture").hidden = !img.hidden;
}

function onScore(message) {
  if (message.type !== "score") return;
  const card = cards.get(message.camera_id);
  if (!card) return;
  card.points.push({ t: Date.parse(message.t), score: message.score });
  const oldest = Date.now() - SPAN_MS - 10_000;
  while (card.points.length && card.points[0].t < oldest) card.points.shift();
  showScore(card);
}

function drawAll() {
  const nowMs = Date.now();
  for (const [id, card] of cards) {
    const canvas = card.node.querySelector("canvas");
    drawLine(canvas, card.points, card.status?.analysis?.threshold_on, nowMs);
    canvas.setAttribute("aria-label", `scores of ${id}, last three minutes`);
    canvas.dataset.points = card.points.length;
  }
  setTimeout(() => requestAnimationFrame(drawAll), 250);
}

// Connections

function onState(topic, live, reason) {
  topics[topic] = live;
  const all = topics.scores && topics.alerts;
  byId("link").textContent = all ? "live" : reason ? "refused" : "connecting";
  byId("link").dataset.health = all ? "ok" : "connecting";
  byId("link-fault").hidden = all || !reason;
  if (reason) byId("link-fault").textContent = `Scores and alerts are not updated live: ${reason}`;
}

async function start() {
  await getJson("api/v1/cameras").catch(fault); // asks for the token before the WebSockets need it
  const onAlert = (message) => {
    if (message.type === "alert") showChange(message.alert, message.change).catch(fault);
    if (message.type === "verdict") showAlert(message.alert);
  };
  follow("alerts", onAlert, (live, reason) => onState("alerts", live, reason));
  follow("scores", onScore, (live, reason) => onState("scores", live, reason));
  refresh();
  drawAll();
  startSiteBudget(fault).catch(fault);
  await startAlerts(fault);
}

start().catch(fault);
