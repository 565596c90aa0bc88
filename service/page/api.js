// Requests and live topics, with the token where one is asked for.

const TOKEN_KEY = "patchwatch-token";
let token = sessionStorage.getItem(TOKEN_KEY);
let asking = null;

/** Ask for the token once, whoever finds it missing. */
function askForToken() {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("token-dialog");
    const input = document.getElementById("token");
    input.value = "";
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      token = input.value.trim();
      sessionStorage.setItem(TOKEN_KEY, token);
      asking = null;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

/** Fetch from the API; throws an Error with the problem's detail. */
export async function get(path) {
  for (;;) {
    const used = token;
    const response = await fetch(path, { headers: used ? { Authorization: `Bearer ${used}` } : {}, cache: "no-store" });
    if (response.status === 401) {
      if (used === token) await askForToken();
      continue;
    }
    if (!response.ok) {
      const problem = await response.json().catch(() => ({}));
      throw Object.assign(new Error(problem.detail ?? `HTTP ${response.status}`), { status: response.status });
    }
    return response;
  }
}

export async function getJson(path) {
  return (await get(path)).json();
}

/** Follow a topic for ever: reconnects with growing pauses and resumes after the last message received. */
export function follow(topic, onMessage, onState) {
  const positions = new Map(); // camera (or "" for alerts) -> id of the last message
  const note = (id) => positions.set(id.includes(":") ? id.split(":")[0] : "", id);
  let pause = 500;
  let heartbeatS = 15;
  let silence;

  function connect() {
    const url = new URL(`/api/v1/ws/${topic}`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    for (const id of positions.values()) url.searchParams.append("after", id);
    if (token) url.searchParams.set("token", token);
    const socket = new WebSocket(url);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => socket.close(), heartbeatS * 2500);
    };
    socket.onopen = heard;
    socket.onmessage = (event) => {
      heard();
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
    socket.onclose = () => {
      clearTimeout(silence);
      onState(false);
      setTimeout(connect, pause * (0.5 + Math.random()));
      pause = Math.min(pause * 2, 15000);
    };
  }
  connect();
}
