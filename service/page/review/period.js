// Days of the browser's time zone, and the last 24 hours, which no midnight divides.

const DAY_MS = 86_400_000;

/** The local day of a moment, as a date field has it. */
export function dayOf(ms) {
  const at = new Date(ms);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

/** `day`: of a date field; empty: the last 24 hours. Both ends in Unix milliseconds. */
export function periodOf(day, nowMs = Date.now()) {
  const from = new Date(`${day}T00:00`);
  if (!day || Number.isNaN(from.getTime())) return { from: nowMs - DAY_MS, to: null };
  const next = new Date(from);
  next.setDate(from.getDate() + 1);
  return { from: from.getTime(), to: next.getTime() - 1 };
}

/** So many days later. */
export function shifted(day, days) {
  const at = new Date(`${day || dayOf(Date.now())}T12:00`);
  at.setDate(at.getDate() + days);
  return dayOf(at.getTime());
}
