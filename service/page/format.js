// Times, durations and rates as the page shows them. Times are local to the browser.

/** The time of day. */
export const clock = (iso) => new Date(iso).toLocaleTimeString();

/** Date and time of day. */
export const dateTime = (iso) => new Date(iso).toLocaleString();

export const date = (iso) => new Date(iso).toLocaleDateString();

/** A text of the service, with the times in it made local. */
export const withLocalTimes = (text) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, dateTime);

/** How long something lasts, in words. */
export const duration = (seconds) => seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} minutes`;

/** A position in a recording: hours:minutes:seconds. */
export function position(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}

/** The account of a camera's frames, in words. What came before there was a bank to score it by: it is told apart. */
export function framesInWords({ scored, dropped }) {
  const { no_bank: before = 0, ...others } = dropped;
  const count = Object.values(others).reduce((sum, each) => sum + each, 0);
  return [`${scored} scored, ${count} dropped`, before && `${before} before it could be scored`].filter(Boolean).join(", ");
}

/** Events per day. */
export const rate = (perDay) => perDay < 0.01 ? "0" : perDay < 10 ? String(Number(perDay.toPrecision(2))) : perDay.toFixed(0);
