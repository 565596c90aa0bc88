// Cameras with their live scores, and alerts as they come.

import { nameCameras, showAlert, start as startAlerts } from "./alerts.js";
import { follow, get, getJson } from "./api.js";
import { drawLine, SPAN_MS } from "./line.js";

const STATUS_MS = 2000;
const byId = (id) => document.getElementById(id);
const cards = new Map(); // camera id -> {node, points, status}
const topics = { scores: false, alerts: false };

function fault(error) {
  byId("fault").hidden = !error;
  byId("fault").textContent = error ? `The service cannot answer: ${error.message}` : "";
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
    card = { node, points: [], status: null };
    cards.set(camera.id, card);
    loadScores(camera.id, card).catch(fault);
  }
  card.node.querySelector("h3").textContent = camera.name ? `${camera.name} (${camera.id})` : camera.id;
  return card;
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
  node.querySelector(".reason").textContent = inLocalTime(status.reason);
  const { frames, capture, analysis } = status;
  const dropped = Object.values(frames.dropped).reduce((sum, count) => sum + count, 0);
  node.querySelector(".facts").textContent = [
    analysis && `profile ${analysis.profile}`,
    capture?.width && `${capture.width}x${capture.height}`,
    capture?.fps != null && `${capture.fps.toFixed(1)} frames/s`,
    status.lag_s != null && `lag ${Math.max(0, status.lag_s).toFixed(2)} s`,
    analysis?.bank_id || frames.scored ? `${frames.scored} scored, ${dropped} dropped` : `${frames.captured} frames seen`,
    frames.balanced ? "" : "account not balanced",
    status.last_gap && `last gap ${clock(status.last_gap.from)} to ${clock(status.last_gap.to)}`,
  ].filter(Boolean).join(" · ");
  showBudget(node.querySelector(".budget"), analysis?.threshold);
  const learning = status.enrolment?.text ?? "";
  node.querySelector(".enrolment").textContent = status.reason.includes(learning) ? "" : learning; // not twice
  showLearnt(card, analysis?.bank_id).catch(fault);
  showScore(card);
}

/** What the camera's alarm budget means: how many false alarms are to be expected, and above which score. */
function showBudget(line, threshold) {
  line.textContent = threshold ? threshold.warning || `about ${rate(threshold.expected)} false alarms a day are to be expected` : "";
  line.classList.toggle("warned", Boolean(threshold?.warning));
  line.title = threshold
    ? `An alert opens above a score of ${threshold.on.toFixed(2)}. ${duration(3600 * threshold.footage_hours)} of normal footage `
      + `allow for ${rate(threshold.expected_low)} to ${rate(threshold.expected_high)} false alarms a day: more footage, a narrower range.`
    : "";
}

const rate = (perDay) => perDay < 0.01 ? "0" : perDay < 10 ? String(Number(perDay.toPrecision(2))) : perDay.toFixed(0);

/** What the enrolment of the bank in use found out about it: looked up once for each bank. */
async function showLearnt(card, bankId) {
  if (!bankId || card.bankId === bankId) return;
  const { enrolments } = await getJson(`api/v1/cameras/${card.status.camera_id}/enrolments`);
  const report = enrolments.find((one) => one.bank_id === bankId)?.report;
  if (report || !enrolments.some((one) => one.state === "running")) card.bankId = bankId; // else its record is yet to come
  const line = card.node.querySelector(".learnt");
  line.textContent = report ? `normal learnt from ${duration(report.seconds)} of footage: ${VERDICTS[report.verdict] ?? report.verdict}` : "";
  line.title = report?.next_step ?? "";
  line.dataset.verdict = report?.verdict ?? "";
}

const VERDICTS = { complete: "it is known", still_learning: "more is needed", too_short: "too little" };

const duration = (s) => s < 120 ? `${Math.round(s)} s` : `${Math.round(s / 60)} minutes`;

function showScore(card) {
  const output = card.node.querySelector(".score");
  const last = card.points.at(-1) ?? (card.status?.last_score && { score: card.status.last_score.score });
  output.textContent = last ? last.score.toFixed(2) : "–";
  const stale = !["ok", "ended"].includes(card.status?.health);
  output.classList.toggle("stale", stale);
  output.title = stale ? "the last score: none comes in now" : "latest score";
  const threshold = card.status?.analysis?.threshold_on;
  const alarm = Boolean(last) && threshold != null && last.score >= threshold && card.status.health === "ok";
  output.classList.toggle("alarm", alarm);
  card.node.classList.toggle("alarm", alarm);
}

async function refresh() {
  try {
    const [{ cameras }, { statuses }] = await Promise.all([getJson("api/v1/cameras"), getJson("api/v1/status")]);
    const known = new Set(cameras.map((camera) => camera.id));
    for (const [id, card] of cards) if (!known.has(id)) { card.node.remove(); cards.delete(id); }
    cameras.forEach(cardOf);
    statuses.forEach((status) => cards.has(status.camera_id) && showStatus(cards.get(status.camera_id), status));
    nameCameras(cameras.map((camera) => camera.id));
    byId("no-cameras").hidden = cameras.length > 0;
    const well = statuses.filter((status) => status.health === "ok").length;
    byId("summary").textContent = `${well} of ${cameras.length} cameras ok`;
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

// The whole

const clock = (iso) => new Date(iso).toLocaleTimeString();
const inLocalTime = (text) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, (iso) => new Date(iso).toLocaleString());

function onState(topic, live, why) {
  topics[topic] = live;
  const all = topics.scores && topics.alerts;
  byId("link").textContent = all ? "live" : why ? "refused" : "connecting";
  byId("link").dataset.health = all ? "ok" : "connecting";
  byId("link-fault").hidden = all || !why;
  if (why) byId("link-fault").textContent = `Nothing comes live: ${why}`;
}

async function start() {
  await getJson("api/v1/cameras").catch(fault); // asks for the token before the WebSockets need it
  const onAlert = (message) => message.type === "alert" && showAlert(message.alert);
  follow("alerts", onAlert, (live, why) => onState("alerts", live, why));
  follow("scores", onScore, (live, why) => onState("scores", live, why));
  refresh();
  drawAll();
  await startAlerts(fault);
}

start().catch(fault);
