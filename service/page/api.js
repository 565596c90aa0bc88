// Requests and live topics, with the token if the service requires one.

import { url } from "./address.js";
import { askForToken } from "./login.js";
import { authorization, storedToken, subprotocols } from "./token.js";

const MAX_URL_LENGTH = 8000; // the service accepts 16 KB
const UNAUTHORIZED = 4401, REFUSED = [4403, 4422];

/** Ask the API; throws an Error with the problem's detail. `path` is given without the leading slash. */
async function request(path, method = "GET", body = undefined) {
  for (;;) {
    const used = storedToken();
    const headers = { ...(used && { Authorization: authorization(used) }), ...(body && { "Content-Type": "application/json" }) };
    const response = await fetch(url(path), { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
    if (response.status === 401) {
      await askForToken(used);
      continue;
    }
    if (!response.ok) {
      const problem = await response.json().catch(() => ({}));
      throw Object.assign(new Error(problem.detail ?? `HTTP ${response.status}`), { status: response.status });
    }
    return response;
  }
}

export const get = (path) => request(path);

/** Change something; returns the answer, null where there is none. `body`: of a PUT, POST or PATCH. */
export async function send(method, path, body) {
  const response = await request(path, method, body);
  return response.status === 204 ? null : response.json();
}

export async function getJson(path) {
  return (await get(path)).json();
}

/**
 * Follow a topic for as long as the page is open. Reconnects with growing pauses, and resumes after the last message.
 * `onState(live, reason)`: the reason is that of the service, if it refuses the connection.
 */
export function follow(topic, onMessage, onState) {
  const positions = new Map(); // camera (or "" for alerts) -> id of the last message
  const note = (id) => positions.set(id.includes(":") ? id.split(":")[0] : "", id);
  let pause = 500;
  let heartbeatS = 15;
  let silenceTimer;

  function connect() {
    const used = storedToken();
    const socket = new WebSocket(address(topic, positions), used ? subprotocols(used) : []);
    const restartTimer = () => {
      clearTimeout(silenceTimer);
      silenceTimer = setTimeout(() => socket.close(), heartbeatS * 2500); // two and a half heartbeats
    };
    socket.onopen = restartTimer;
    socket.onmessage = (event) => {
      restartTimer();
      const message = JSON.parse(event.data);
      if (message.type === "hello") {
        pause = 500;
        heartbeatS = message.heartbeat_s;
        onState(true);
      }
      if (message.positions) message.positions.forEach(note);
      if (message.id) note(message.id);
      onMessage(message);
    };
    socket.onclose = async ({ code, reason }) => {
      clearTimeout(silenceTimer);
      onState(false, REFUSED.includes(code) ? reason : "");
      if (code === UNAUTHORIZED) await askForToken(used);
      setTimeout(connect, pause * (0.5 + Math.random()));
      pause = Math.min(pause * 2, 15000);
    };
  }
  connect();
}

function address(topic, positions) {
  const target = url(`api/v1/ws/${topic}`);
  target.protocol = target.protocol === "https:" ? "wss:" : "ws:";
  const resumed = new URL(target);
  for (const id of positions.values()) resumed.searchParams.append("after", id);
  return resumed.href.length < MAX_URL_LENGTH ? resumed : target; // with too many cameras to resume, start from now
}
