// Pictures and explanations of alerts, each asked for once and kept for a while.

import { get, getJson } from "../api.js";

const MOST = 300; // alerts: some 25 KB each
const pictures = new Map(); // alert id -> promise of the address of its picture, or of null
const explanations = new Map();

const pathOf = (id) => `api/v1/alerts/${encodeURIComponent(id)}`;

function kept(cache, id, load, drop) {
  if (!cache.has(id)) {
    cache.set(id, load().catch((error) => {
      if (error.status === 404) return null;
      cache.delete(id);
      throw error;
    }));
    const oldest = cache.keys().next().value;
    if (cache.size > MOST) forget(cache, oldest, drop);
  }
  return cache.get(id);
}

function forget(cache, id, drop) {
  cache.get(id)?.then((value) => value && drop(value), () => {});
  cache.delete(id);
}

const revoke = (address) => URL.revokeObjectURL(address);

/** The address of the picture at the alert's peak; null: none was kept. */
export const pictureOf = (alert) => kept(pictures, alert.id, async () => {
  const blob = await (await get(`${pathOf(alert.id)}/snapshot.jpg`)).blob();
  return URL.createObjectURL(blob);
}, revoke);

/** Why it was raised; null: not kept, or it is no anomaly. */
export const explanationOf = (alert) => alert.explanation
  ? kept(explanations, alert.id, () => getJson(`${pathOf(alert.id)}/explanation`), () => {})
  : Promise.resolve(null);

/** Its peak rose: there is a new picture. */
export function renewed(alert) {
  forget(pictures, alert.id, revoke);
  forget(explanations, alert.id, () => {});
}
