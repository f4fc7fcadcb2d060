// What the uploader takes from a browser and Node has not: XMLHttpRequest, and waits that are a hundred times shorter.
// It must never be kinder than a browser: a header that is not exposed is not there, a request that ends fires loadend once.

import http from "node:http";

const SAFE = ["cache-control", "content-type", "expires", "last-modified", "pragma"];
const later = setTimeout;

/** Every wait that the uploader asked for, in milliseconds, since the last `rest`. */
export const waits = [];

/** How many requests to storage were under way when each began, itself included. */
export const together = [];

let isHurried = false;
let begun = 0;
let ended = 0;

/** How many requests to storage the uploader has seen the end of. */
export const endings = () => ended;

/** Lets what the uploader takes for dead connections come to pass within a test, too. */
export function hurry() {
  isHurried = true;
}

/** Starts a test with even jitter, no waits, and the network there. */
export function rest() {
  isHurried = false;
  waits.length = together.length = begun = ended = 0;
  Math.random = () => 0.5;
  navigator.onLine = true;
}

/** Resolves when it holds, or fails after five seconds. */
export async function until(holds, what) {
  for (const end = Date.now() + 5000; Date.now() < end; await new Promise((done) => later(done, 2))) if (await holds()) return;
  throw new Error(`not within 5 s: ${what}`);
}

/** The network's end and its return, as a browser tells them. */
export function setOnline(isOnline) {
  navigator.onLine = isOnline;
  listeners.forEach((listener) => isOnline && listener());
}

const listeners = [];
globalThis.navigator = { onLine: true };
globalThis.addEventListener = (type, listener) => type === "online" && listeners.push(listener);
globalThis.setTimeout = (job, ms, ...more) => {
  // Node's own fetch has timers, too.
  if (!new Error().stack.includes("/web/uploader.js")) return later(job, ms, ...more);
  waits.push(ms);
  return later(job, ms < 30_000 || isHurried ? ms / 100 : ms);
};

globalThis.XMLHttpRequest = class {
  upload = {};
  status = 0;
  responseText = "";
  #headers = {};
  #answered = {};

  open(method, url) {
    this.#headers = {};
    this.request = { method, url: new URL(url) };
  }

  setRequestHeader(name, value) {
    this.#headers[name] = value;
  }

  getResponseHeader(name) {
    const exposed = (this.#answered["access-control-expose-headers"] ?? "").split(/, */);
    return exposed.includes(name) || SAFE.includes(name) ? (this.#answered[name] ?? null) : null;
  }

  abort() {
    this.#end(0);
  }

  async send(body) {
    const { method, url } = this.request;
    together.push(++begun - ended);
    let bytes;
    try {
      bytes = Buffer.from(await body.arrayBuffer());
    } catch {
      return this.#end(0);
    }
    if (this.ended) return;
    if (!navigator.onLine) return this.#end(0);
    const headers = { ...this.#headers, "content-length": bytes.length };
    this.socket = http.request(url, { method, headers }, async (answer) => {
      let text = "";
      try {
        for await (const chunk of answer) text += chunk;
      } catch {
        return this.#end(0);
      }
      this.#answered = answer.headers;
      this.responseText = text;
      this.#end(answer.statusCode);
    });
    this.socket.on("error", () => this.#end(0));
    // In halves, so that there is a middle to fail in.
    const half = Math.ceil(bytes.length / 2);
    this.socket.write(bytes.subarray(0, half), () => {
      if (this.ended) return;
      this.upload.onprogress?.({ loaded: half });
      this.socket.end(bytes.subarray(half), () => {
        if (this.ended) return;
        this.upload.onprogress?.({ loaded: bytes.length });
        this.upload.onload?.({});
      });
    });
  }

  #end(status) {
    if (this.ended) return;
    this.ended = true;
    this.status = status;
    if (!status) this.socket?.destroy();
    // A browser fires it from its event loop.
    setImmediate(() => {
      ended++;
      this.onloadend?.({});
    });
  }
};
