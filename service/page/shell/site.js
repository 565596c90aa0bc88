// The cameras and their states, asked for every few seconds while somebody looks; and what is pushed, passed on.

import { getJson } from "../api.js";

const EVERY_MS = 3000;
const target = new EventTarget();
let cameras = [];
let statuses = new Map();
let watchers = 0;
let timer = null;
let asking = null;

/** Call back with each `message` of a kind: `alert`, `verdict`, `score`, `correction`; or `site`, when cameras or states
 * were read. Returns a function that ends this. */
export function listen(kind, callback) {
  const pass = (event) => callback(event.detail);
  target.addEventListener(kind, pass);
  return () => target.removeEventListener(kind, pass);
}

/** Pass a message on. */
export const tell = (kind, message) => target.dispatchEvent(new CustomEvent(kind, { detail: message }));

/** All cameras as last read, in the order of the service. */
export const knownCameras = () => cameras;

export const cameraOf = (id) => cameras.find((camera) => camera.id === id) ?? null;
export const statusOf = (id) => statuses.get(id) ?? null;

/** What people call a camera. */
export const nameOf = (id) => cameraOf(id)?.name || id;

/** Read cameras and states now. */
export function refreshSite() {
  asking ??= read().finally(() => { asking = null; });
  return asking;
}

async function read() {
  const [{ cameras: listed }, { statuses: read }] = await Promise.all([getJson("api/v1/cameras"), getJson("api/v1/status")]);
  cameras = listed;
  statuses = new Map(read.map((status) => [status.camera_id, status]));
  tell("site", null);
}

/** Keep cameras and states up to date until the returned function is called. Nothing is asked while the page is hidden. */
export function watchSite(onFault) {
  watchers += 1;
  if (watchers === 1) tick(onFault);
  return () => {
    watchers -= 1;
    if (!watchers) clearTimeout(timer);
  };
}

async function tick(onFault) {
  clearTimeout(timer);
  if (!document.hidden) {
    try {
      await refreshSite();
      onFault(null);
    } catch (error) {
      onFault(error);
    }
  }
  clearTimeout(timer);
  if (watchers) timer = setTimeout(() => tick(onFault), EVERY_MS);
}
