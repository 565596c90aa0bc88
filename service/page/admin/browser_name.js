// What people call a browser, by what it says of itself.

const BROWSERS = { Edg: "Edge", OPR: "Opera", Firefox: "Firefox", Chrome: "Chrome", HeadlessChrome: "Chrome", Safari: "Safari" };
const SYSTEMS = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"];

/** Such as "Firefox on Android"; of a program, the first word of what it says. */
export function browserName(agent) {
  const browser = Object.keys(BROWSERS).find((name) => agent.includes(`${name}/`));
  if (!browser) return agent.split(/[\s/]/)[0] || "unknown";
  return `${BROWSERS[browser]} on ${SYSTEMS.find((name) => agent.includes(name)) ?? "a device"}`;
}
