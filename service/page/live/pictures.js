// Live pictures of all cameras in view, over one WebSocket. The service sends a picture when there is a new one, and no
// more than this page has shown: `received` counts those that it has.

import { url } from "../address.js";
import { askForToken } from "../login.js";
import { storedToken, subprotocols } from "../token.js";

const UNAUTHORIZED = 4401;
const SILENCE = 2.5; // heartbeats

/** @typedef {{camera_id: string, seq: number, t: string, analysed: boolean, boxes: Array<object>}} Shown */

export class PictureFeed {
  #wanted = [];
  #socket = null;
  #pause = 500;
  #silence = null;
  #retry = null;
  #onPicture;
  #onNone;

  /**
   * @param {(shown: Shown, jpeg: Blob) => Promise<any>} onPicture resolves when the picture is on the screen
   * @param {(cameraId: string) => void} onNone the camera has no picture
   */
  constructor(onPicture, onNone) {
    this.#onPicture = onPicture;
    this.#onNone = onNone;
    document.addEventListener("visibilitychange", () => this.#follow());
  }

  /** Ask for the pictures of these cameras from now on, and of no others. */
  want(cameraIds) {
    if (cameraIds.join() === this.#wanted.join()) return;
    this.#wanted = cameraIds;
    this.#follow();
  }

  #follow() {
    const needed = this.#wanted.length > 0 && !document.hidden;
    if (!needed) {
      clearTimeout(this.#retry);
      this.#socket?.close();
    } else if (!this.#socket) this.#connect();
    else if (this.#socket.readyState === WebSocket.OPEN) this.#say({ cameras: this.#wanted });
  }

  #connect() {
    clearTimeout(this.#retry);
    const used = storedToken();
    const address = url("api/v1/ws/pictures");
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, used ? subprotocols(used) : []);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    let received = 0;
    socket.onopen = () => {
      this.#pause = 500;
      this.#restartTimer(15);
      this.#say({ cameras: this.#wanted });
    };
    socket.onmessage = async ({ data }) => {
      this.#restartTimer(15);
      if (typeof data === "string") return this.#onText(JSON.parse(data));
      await this.#show(data);
      received += 1;
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ received }));
    };
    socket.onclose = ({ code }) => this.#onClose(socket, code, used);
  }

  async #show(data) {
    const length = new DataView(data).getUint32(0);
    const shown = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    await this.#onPicture(shown, new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" })).catch(() => {});
  }

  #onText(message) {
    if (message.type === "none") this.#onNone(message.camera_id);
  }

  async #onClose(socket, code, used) {
    clearTimeout(this.#silence);
    if (this.#socket === socket) this.#socket = null;
    if (code === UNAUTHORIZED) await askForToken(used);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => { if (!this.#socket) this.#follow(); }, this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(this.#pause * 2, 15000);
  }

  #restartTimer(heartbeatS) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#socket?.close(), heartbeatS * SILENCE * 1000);
  }

  #say(message) {
    this.#socket.send(JSON.stringify(message));
  }
}

/** Show a JPEG in an `img`; resolves when it is there. The one before is given back. */
export function showJpeg(img, jpeg) {
  return new Promise((resolve) => {
    const before = img.src;
    const over = new AbortController(); // of both listeners: the one that is not called would stay
    const done = () => {
      over.abort();
      if (before.startsWith("blob:")) URL.revokeObjectURL(before);
      resolve();
    };
    img.addEventListener("load", done, { signal: over.signal });
    img.addEventListener("error", done, { signal: over.signal });
    img.src = URL.createObjectURL(jpeg);
    img.hidden = false;
  });
}
