// Valet's uploader. Options, tasks and errors: uploader.d.ts. How and why: docs/UPLOADER.md.

export class UploadError extends Error {
  name = "UploadError";
  constructor(code, text, more) {
    super(text[0].toUpperCase() + text.slice(1) + ".");
    Object.assign(this, { code, retryable: false }, more);
  }
}

const failure = (status, problem, more) => {
  const { detail = "the server answered " + status, errors = [], retryable = /408|429|5../.test(status) } = problem ?? {};
  const text = [detail, ...errors.map((error) => error.pointer + " " + error.detail)].join("; ");
  return new UploadError("http_" + status, text, { errors, ...problem, status, retryable, ...more });
};

const originOf = (url) => new URL(url).origin;
const unreachable = (url) => new UploadError("network", originOf(url) + " cannot be reached", { retryable: true, origin: originOf(url) });
const refused = (url, what) =>
  new UploadError("cors", `${originOf(url)} ${what}: its CORS rules must allow ${globalThis.location?.origin} and expose ETag`);
const read = (blob) =>
  blob.arrayBuffer().catch(() => {
    throw new UploadError("unreadable", "the file was changed, moved or removed");
  });

const nap = (ms) => new Promise((done) => setTimeout(done, ms));
const sleepers = [];
const woken = () => new Promise((done) => sleepers.push(done));
const wake = () => sleepers.splice(0).forEach((done) => done());
globalThis.addEventListener?.("online", wake);

const newRun = (options) => ({ parallel: 6, retries: 5, ...options, turn: 0, arrived: 0, requests: new Set() });
const interrupt = (run) => {
  run.turn++;
  run.requests.forEach((xhr) => xhr.abort());
};

// All tasks share the page's connections. What is granted goes before what is not.
let busy = 0;
const queue = [];
const inTurn = async (run, end, job) => {
  const { turn } = run;
  while (busy >= run.parallel) await new Promise((done) => queue[end](done));
  busy++;
  try {
    return turn === run.turn && (await job());
  } finally {
    busy--;
    queue.shift()?.();
  }
};

// Origins that have answered: when they fall silent, CORS is not why.
const heard = new Set();

// Does it until it is done or hopeless. Failures count while nothing else gets through.
const attempt = async (run, job) => {
  for (let failures = 0, arrived; ; ) {
    while (run.paused && !run.ended) await woken();
    if (run.ended) throw run.ended;
    const { turn } = run;
    try {
      return await job();
    } catch (error) {
      const { code, origin, wait = 0 } = error;
      if (turn !== run.turn) continue;
      if (!error.retryable || error.gaveUp || code === "not_uploaded") throw error;
      if (code === "network" && !navigator.onLine) {
        await woken();
        continue;
      }
      if (arrived !== (arrived = run.arrived)) failures = 0;
      if (++failures > run.retries) {
        if (origin && !heard.has(origin) && (await fetch(origin, { mode: "no-cors" }).catch(() => {})))
          throw refused(origin, "does not let this page in");
        throw Object.assign(error, { gaveUp: true });
      }
      await nap(wait + Math.random() * Math.min(2e4, 500 * 2 ** failures));
    }
  }
};

// What is signed ends by this page's clock, a tenth early.
const withEnd = (_, value) => {
  const life = /X-Amz-Expires=(\d+)/.exec(value?.url)?.[1];
  if (life) value.until = Date.now() + life * 900;
  return value;
};

const call = (run, method, path, body, key) => {
  const { api, token, fetch = globalThis.fetch } = run;
  const once = async (again) => {
    const headers = { authorization: "Bearer " + (token.call ? await token(again) : token) };
    if (body) headers["content-type"] = "application/json";
    if (key) headers["idempotency-key"] = key;
    let response, text, json;
    try {
      response = await fetch(api + "/v1/uploads" + path, { method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout?.(4e4) });
      text = await response.text();
    } catch {
      throw unreachable(api);
    }
    heard.add(originOf(api));
    const { status } = response;
    const wait = 1e3 * response.headers.get("retry-after") || 0;
    if (status === 401 && token.call && !again) return once(true);
    if (status === 202) return nap(wait);
    try {
      json = JSON.parse(text, withEnd);
    } catch {}
    if (response.ok && (json || status === 204)) return json;
    throw failure(status, json, { wait });
  };
  return attempt(run, () => once(false));
};

const put = (run, { method, url, headers }, body, moved) =>
  new Promise((done) => {
    const xhr = new XMLHttpRequest();
    let timer;
    const watch = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => xhr.abort(), ms);
    };
    xhr.open(method, url);
    for (const name in headers) xhr.setRequestHeader(name, headers[name]);
    xhr.upload.onprogress = ({ loaded }) => {
      watch(3e4);
      moved(loaded);
    };
    xhr.upload.onload = () => watch(12e4);
    xhr.onloadend = () => {
      clearTimeout(timer);
      run.requests.delete(xhr);
      done(xhr);
    };
    run.requests.add(xhr);
    watch(3e4);
    xhr.send(body);
  });

const typeOf = (file, options) => options.contentType ?? file.type.split(";")[0];

// Asks for 1 to 50 grants, on its own: no task's pause or end loses those of others.
const grants = async (files, options) => {
  const { partSize, checksum } = options;
  const items = [];
  for (const file of files) {
    const { size, name = "file" } = file;
    const item = { filename: options.filename ?? name, contentType: typeOf(file, options), size, partSize };
    if (checksum && !partSize && size <= 2 ** 24) {
      const digest = await crypto.subtle.digest("SHA-256", await read(file));
      item.checksum = { sha256: btoa(String.fromCharCode(...new Uint8Array(digest))) };
    }
    items.push(item);
  }
  const ask = (path, body) => call(newRun(options), "POST", path, body, Date.now() + "-" + Math.random());
  return items[1] ? (await ask("/batch", { items })).items : [{ upload: await ask("", items[0]) }];
};

const isOver = ({ status, code }) => status === 404 || status === 410 || code === "invalid_state";

const start = (file, options, ask) => {
  const run = newRun(options);
  const { signal, onGrant, onProgress } = options;
  let id = options.resume;
  let parts = [];
  let upload, partSize, signing, failed, settle;

  const api = (method, path, body) => call(run, method, "/" + id + path, body);
  const report = (phase) => {
    const loaded = parts.reduce((sum, part) => sum + part.sent, 0);
    if (!run.ended) onProgress?.({ loaded, total: file.size, phase }, file);
  };

  const isLive = ({ url, until }) => url && !(until < Date.now());
  const keep = ({ multipart, parts: signed = multipart?.parts, request }) =>
    (signed ?? [request]).forEach((part) => Object.assign(parts[(part?.partNumber ?? 1) - 1], part));
  const signFrom = async ({ partNumber }) => {
    const next = parts.slice(partNumber - 1).filter((part) => !part.etag && !isLive(part));
    const body = { parts: next.slice(0, 40).map(({ partNumber }) => ({ partNumber })) };
    keep(await (upload.multipart ? api("POST", "/parts", body) : api("POST", "/url")));
  };
  const sign = async (part) => {
    while (!isLive(part)) await (signing ??= signFrom(part).finally(() => (signing = null)));
  };

  const send = async (part) => {
    const { partNumber, url } = part;
    if (!isLive(part)) return;
    const body = file.slice((partNumber - 1) * partSize, partNumber * partSize);
    const moved = (bytes) => {
      part.sent = Math.min(bytes, body.size);
      report("uploading");
    };
    const xhr = await put(run, part, body, moved);
    const { status } = xhr;
    if (status || part.sent) heard.add(originOf(url));
    part.url = null;
    if (status === 412 || (status >= 200 && status < 300)) {
      part.etag = status === 412 || xhr.getResponseHeader("etag");
      if (!part.etag) throw refused(url, "hides the ETag");
      run.arrived++;
      return moved(body.size);
    }
    moved(0);
    if (!status) {
      await read(body.slice(0, 1));
      throw unreachable(url);
    }
    const detail = `storage answered ${status} ${/<Code>(\w+)/.exec(xhr.responseText)?.[1]}`;
    throw failure(status, { detail }, /400|403/.test(status) && { retryable: true });
  };

  const transfer = async () => {
    report("uploading");
    failed = null;
    const left = parts.filter((part) => !part.etag).values();
    const work = async () => {
      for (const part of left) {
        const ahead = parts[part.partNumber + run.parallel];
        if (ahead && !ahead.etag) sign(ahead).catch(() => {});
        while (!part.etag && !failed)
          await attempt(run, async () => {
            if (failed) return;
            await sign(part);
            await inTurn(run, "unshift", () => send(part));
          }).catch((error) => {
            failed ??= error;
            interrupt(run);
          });
      }
    };
    await Promise.all(Array.from({ length: run.parallel }, work));
    if (failed) throw failed;
  };

  // How the upload is. What storage has not, or not as it was sent, is sent again.
  const look = async () => {
    const stored = {};
    let after = "";
    do {
      upload = await api("GET", "?include=parts" + after);
      const { stored: page = [], next } = upload.multipart ?? {};
      for (const part of page) stored[part.partNumber] = part;
      after = next && "&after=" + next;
    } while (after);
    return stored;
  };
  const settleWith = (stored) => {
    for (const part of parts) {
      const { etag, size } = stored[part.partNumber] ?? {};
      const same = etag && (!part.etag || part.etag === etag);
      part.etag = same && etag;
      part.sent = same ? size : 0;
    }
  };

  const finish = async () => {
    for (let repairs = 0; ; ) {
      await transfer();
      report("confirming");
      const body = upload.multipart && { parts: parts.map(({ partNumber, etag }) => ({ partNumber, etag })) };
      try {
        let record;
        while (!record) record = await api("POST", "/confirm", body);
        return record;
      } catch (error) {
        if (!/not_uploaded|parts_mismatch/.test(error.code) || ++repairs > 5) throw error;
        await nap(Math.random() * 500 * 2 ** repairs);
        settleWith(await look());
      }
    }
  };

  const granted = async () => {
    const [{ upload, status, problem }] = await inTurn(run, "push", ask);
    ask = () => grants([file], options);
    if (problem) throw failure(status, problem);
    return upload;
  };

  const begin = async () => {
    for (let rounds = 0; ; rounds++) {
      let stored = {};
      upload = null;
      if (id) {
        try {
          stored = await look();
          const { size, contentType, filename, status, reason = status } = upload;
          if (size !== file.size || contentType !== typeOf(file, options)) throw new UploadError("different_file", "this is another file than " + filename);
          if (status === "ready") return upload.file;
          if (status !== "pending") {
            upload = null;
            if (rounds && status !== "expired") throw new UploadError(reason, "the upload is " + status);
          }
        } catch (error) {
          if (!isOver(error)) throw error;
        }
      }
      if (!upload) {
        report("granting");
        upload = await attempt(run, granted);
        id = upload.id;
        const { request, multipart, confirm, ...record } = upload;
        onGrant?.(record, file);
      }
      task.id = id;
      const { multipart } = upload;
      partSize = multipart?.partSize ?? file.size;
      parts = Array.from({ length: multipart?.partCount ?? 1 }, (_, n) => ({ partNumber: n + 1, sent: 0 }));
      keep(upload);
      settleWith(stored);
      try {
        return await finish();
      } catch (error) {
        if (!isOver(error) || rounds > 2) throw error;
      }
    }
  };

  const task = Object.assign(new Promise((...both) => (settle = both)), {
    pause() {
      run.paused = true;
      interrupt(run);
    },
    resume() {
      run.paused = false;
      wake();
    },
    cancel() {
      if (run.ended) return;
      run.ended = new UploadError("cancelled", "the upload was cancelled");
      interrupt(run);
      wake();
      settle[1](run.ended);
    },
  });
  signal?.addEventListener("abort", task.cancel);
  if (signal?.aborted) task.cancel();
  begin()
    .finally(() => {
      signal?.removeEventListener("abort", task.cancel);
      if (run.ended && id) call(newRun(options), "DELETE", "/" + id).catch(() => {});
      else report("done");
      run.ended = true;
    })
    .then(...settle);
  return task;
};

export const upload = (file, options) => start(file, options, () => grants([file], options));

export const uploadAll = (files, options) => {
  const all = [...files];
  const groups = [];
  return all.map((file, n) => {
    const from = n - (n % 50);
    const ask = async () => [(await (groups[from] ??= grants(all.slice(from, from + 50), options)))[n - from]];
    const task = start(file, { ...options, resume: undefined }, ask);
    task.catch(() => {});
    return task;
  });
};
