// The live page: a card for each camera, and the newest alerts.

import { nameCameras, openNamed, start as startAlerts } from "../alerts.js";
import { fault } from "../shell/faults.js";
import { byId } from "../shell/element.js";
import { knownCameras, listen, statusOf, watchSite } from "../shell/site.js";
import { start as startSiteBudget } from "../site_budget.js";
import { CameraCard } from "./card.js";
import { PictureFeed } from "./pictures.js";

const DRAW_MS = 500;
const MOST_PICTURES = 64; // at once: more than fit on a screen
const cards = new Map(); // camera id -> CameraCard
const inView = new Set();
let started = false;
let leaving = [];
let drawing = null;

const pictures = new PictureFeed(
  async (shown, jpeg) => cards.get(shown.camera_id)?.showPicture(shown, jpeg),
  (cameraId) => cards.get(cameraId)?.showNoPicture(),
);

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const id = target.dataset.camera;
    if (isIntersecting) inView.add(id);
    else inView.delete(id);
    if (isIntersecting) cards.get(id)?.begin();
  }
  askForPictures();
}, { rootMargin: "100px" });

function askForPictures() {
  const shown = leaving.length ? [...cards.keys()].filter((id) => inView.has(id)) : [];
  pictures.want(shown.slice(0, MOST_PICTURES));
}

function showSite() {
  const cameras = knownCameras();
  const known = new Set(cameras.map((camera) => camera.id));
  for (const id of cards.keys()) if (!known.has(id)) remove(id);
  for (const camera of cameras) {
    if (cards.has(camera.id)) cards.get(camera.id).showCamera(camera);
    else add(camera);
    const status = statusOf(camera.id);
    if (status) cards.get(camera.id).showStatus(status);
  }
  nameCameras(cameras.map((camera) => camera.id));
  byId("no-cameras").hidden = cameras.length > 0;
  byId("site-budget").hidden = cameras.length === 0;
}

function add(camera) {
  const card = new CameraCard(camera, fault);
  cards.set(camera.id, card);
  byId("cameras").append(card.node);
  watcher.observe(card.node);
}

function remove(id) {
  const { node, picture } = cards.get(id);
  watcher.unobserve(node);
  if (picture.src) URL.revokeObjectURL(picture.src);
  node.remove();
  cards.delete(id);
  inView.delete(id);
}

function draw() {
  const nowMs = Date.now();
  if (!document.hidden) for (const id of inView) cards.get(id)?.draw(nowMs);
  drawing = setTimeout(() => requestAnimationFrame(draw), DRAW_MS);
}

export async function enter() {
  if (leaving.length) return openNamed();
  leaving = [listen("site", showSite), listen("score", (message) => cards.get(message.camera_id)?.addScore(message))];
  leaving.push(watchSite(fault));
  showSite();
  byId("no-cameras").hidden = true; // until it is known
  askForPictures();
  draw();
  if (!started) {
    started = true;
    startSiteBudget(fault).catch(fault);
    await startAlerts(fault);
  }
  await openNamed();
}

export function leave() {
  leaving.forEach((end) => end());
  leaving = [];
  clearTimeout(drawing);
  askForPictures();
}
