// A Valet API and its storage in one process, to docs/API.md, with a script for whatever shall go wrong.
// It must never be lenient: a request that is not of the contract is answered 400 and remembered in `wrong`.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import http from "node:http";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("base64");

export class Fake {
  /** Bytes in a part, parts signed by a grant, how long URLs live, how many stored parts a page lists. */
  partSize = 1000;
  firstParts = 20;
  life = 900;
  page = 1000;
  /** How long storage takes for a PUT, in milliseconds. */
  takes = 0;
  /** How many uploads may be pending, and be granted in one minute, which has so many milliseconds here. A wait of a second takes ten of them. */
  maxPending = Infinity;
  maxGrants = Infinity;
  minute = 250;
  maxFiles = Infinity;
  mostPending = 0;
  refusals = 0;
  token = "good";
  uploads = new Map();
  /** `POST /v1/uploads` and the like, ids left out. */
  log = [];
  wrong = [];
  busy = 0;
  busiest = 0;
  #script = [];
  #grants = [];

  async start() {
    const serve = async (handle) => {
      const server = http.createServer((request, response) => this.#serve(handle, request, response));
      await new Promise((done) => server.listen(0, "127.0.0.1", done));
      return server;
    };
    this.servers = [await serve(this.#api), await serve(this.#storage)];
    [this.api, this.bucket] = this.servers.map((server) => `http://127.0.0.1:${server.address().port}`);
    return this;
  }

  stop() {
    for (const server of this.servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** The next `times` requests that match (`"PUT 2"`, `"POST /confirm"`) get this answer: a status and what belongs to it, or a function of its own. */
  next(what, answer, times = 1) {
    this.#script.push({ what, answer, times });
  }

  /** How often a line is in the log. */
  count(line) {
    return this.log.filter((each) => each === line).length;
  }

  /** The one upload there is. */
  get upload() {
    assert.equal(this.uploads.size, 1);
    return [...this.uploads.values()][0];
  }

  /** What was stored, put together. */
  content(upload = this.upload) {
    return Buffer.concat([...upload.parts.keys()].sort((a, b) => a - b).map((number) => upload.parts.get(number)));
  }

  /** An upload as though it had been begun before, with these parts stored. */
  add(file, { status = "pending", stored = [], ...more } = {}) {
    const upload = this.#new({ filename: file.name, contentType: file.type, size: file.size }, status);
    for (const [number, bytes] of stored) upload.parts.set(number, bytes);
    return Object.assign(upload, more);
  }

  /** A grant for a file, as the API gives it. */
  issue(file) {
    return this.#grant({ filename: file.name, contentType: file.type, size: file.size });
  }

  async #serve(handle, request, response) {
    const body = [];
    try {
      const url = new URL(request.url, "http://fake");
      const line = `${request.method} ${handle === this.#storage ? url.pathname.split("/").pop() : url.pathname.replace(/[0-9a-f-]{36}/, "…") + url.search}`;
      this.log.push(line);
      const scripted = this.#script.find((each) => each.times > 0 && line.endsWith(each.what));
      if (scripted) scripted.times--;
      if (scripted?.answer === "reset") {
        if (request.method === "PUT") await new Promise((done) => request.once("data", done));
        return void request.socket.destroy();
      }
      for await (const chunk of request) body.push(chunk);
      if (scripted?.answer === "silence") return;
      let answer = typeof scripted?.answer === "function" ? await scripted.answer({ url, line }) : scripted?.answer;
      answer ??= await handle.call(this, request, url, Buffer.concat(body));
      const { status, headers = {}, json, text = json === undefined ? "" : JSON.stringify(json) } = answer;
      response.writeHead(status, headers).end(text);
    } catch (error) {
      if (error.code === "ECONNRESET") return void request.socket.destroy();
      this.wrong.push(String(error));
      response.writeHead(400).end();
    }
  }

  #new(asked, status = "pending") {
    const now = new Date().toISOString();
    const record = { id: randomUUID(), status, ...asked, createdAt: now, expiresAt: now };
    const isSingle = asked.size <= (asked.partSize ?? this.partSize);
    const partSize = isSingle ? asked.size : (asked.partSize ?? this.partSize);
    const upload = { record, isSingle, partSize, partCount: Math.ceil(asked.size / partSize), parts: new Map(), signatures: new Set(), next: 0 };
    this.uploads.set(record.id, upload);
    return upload;
  }

  #sign(upload, number) {
    const signature = randomUUID();
    upload.signatures.add(signature);
    const { id, contentType, checksum } = upload.record;
    const headers = upload.isSingle ? { "content-type": contentType, "if-none-match": "*" } : {};
    if (checksum) headers["x-amz-checksum-sha256"] = checksum.sha256;
    const url = `${this.bucket}/${id}/${number}?X-Amz-Expires=${this.life}&X-Amz-Signature=${signature}`;
    return { method: "PUT", url, headers, expiresAt: upload.record.expiresAt };
  }

  #grant(asked) {
    const upload = this.#new(asked);
    const { record, isSingle, partSize, partCount } = upload;
    const confirm = { method: "POST", href: `/v1/uploads/${record.id}/confirm` };
    if (isSingle) return { ...record, request: this.#sign(upload, 1), confirm };
    const numbers = Array.from({ length: Math.min(this.firstParts, partCount) }, (_, n) => n + 1);
    return { ...record, multipart: { partSize, partCount, parts: numbers.map((number) => this.#signedPart(upload, number)) }, confirm };
  }

  #signedPart(upload, partNumber) {
    assert.ok(partNumber >= 1 && partNumber <= upload.partCount, "a part that is none");
    return { partNumber, size: this.#sizeOf(upload, partNumber), ...this.#sign(upload, partNumber) };
  }

  #sizeOf({ record, partSize, partCount }, number) {
    return number < partCount ? partSize : record.size - (partCount - 1) * partSize;
  }

  #api(request, url, body) {
    if (request.headers.authorization !== `Bearer ${this.token}`) return { status: 401, json: { message: "Unauthorized" } };
    const json = body.length ? JSON.parse(body) : undefined;
    const [, id, action = ""] = /^\/v1\/uploads(?:\/([^/]+))?(?:\/(\w+))?$/.exec(url.pathname);
    const route = `${request.method} ${action || (id && id !== "batch" ? "one" : (id ?? "all"))}`;
    if (route === "POST all" || route === "POST batch") assert.ok(request.headers["idempotency-key"], "a grant without an Idempotency-Key");
    if (route === "POST all") return this.#issue(json);
    if (route === "POST batch") {
      assert.ok(json.items.length >= 1 && json.items.length <= 50, "a batch of 1 to 50");
      const answers = json.items.map((item) => this.#issue(item));
      return { status: 200, json: { items: answers.map(({ status, json }) => (status === 201 ? { status, upload: json } : { status, problem: json })) } };
    }
    const upload = this.uploads.get(id);
    if (!upload) return problem(404, "not_found", "there is no such upload");
    const { record } = upload;
    if (route === "GET one") return this.#read(upload, url.searchParams);
    if (route === "DELETE one") {
      record.status = "cancelled";
      return { status: 204 };
    }
    if (route === "POST confirm") return this.#confirm(upload, json);
    if (record.status === "expired") return problem(410, "upload_expired", "the grant has ended");
    if (record.status !== "pending") return problem(409, "invalid_state", `the upload is ${record.status}`);
    if (route === "POST url") {
      assert.ok(upload.isSingle, "it goes up in parts");
      return { status: 200, json: { ...record, request: this.#sign(upload, 1) } };
    }
    assert.equal(route, "POST parts");
    assert.ok(!upload.isSingle && json.parts.length >= 1 && json.parts.length <= 500);
    return { status: 200, json: { parts: json.parts.map(({ partNumber }) => this.#signedPart(upload, partNumber)) } };
  }

  #issue(asked) {
    if (asked.contentType !== "video/mp4") return problem(415, "type_not_allowed", "accepted are: video/mp4");
    if (!(asked.size > 0)) return problem(400, "invalid_request", "the request is not valid", [{ pointer: "/size", detail: "must be at least 1" }]);
    const full = this.#full();
    if (full) {
      this.refusals++;
      return full;
    }
    this.#grants.push(Date.now());
    const json = this.#grant(asked);
    this.mostPending = Math.max(this.mostPending, this.#pending());
    return { status: 201, json };
  }

  #pending() {
    return [...this.uploads.values()].filter(({ record }) => record.status === "pending").length;
  }

  #full() {
    const held = [...this.uploads.values()].filter(({ record }) => ["pending", "ready"].includes(record.status)).length;
    if (held >= this.maxFiles) return problem(403, "quota_exceeded", `this does not fit: of at most ${this.maxFiles} files, ${held} are held`);
    const isFull = (code, retryAfter) => {
      const { json } = problem(429, code, "too many of them", undefined, true);
      return { status: 429, headers: { "retry-after": retryAfter }, json: { ...json, retryAfter } };
    };
    if (this.#pending() >= this.maxPending) return isFull("too_many_pending", 10);
    const window = Math.floor(Date.now() / this.minute);
    if (this.#grants.filter((at) => Math.floor(at / this.minute) === window).length < this.maxGrants) return undefined;
    return isFull("too_many_grants", Math.ceil(((window + 1) * this.minute - Date.now()) / 10));
  }

  #read({ record, isSingle, partSize, partCount, parts }, query) {
    const after = Number(query.get("after") ?? 0);
    assert.equal(query.get("include"), "parts");
    assert.ok(!query.has("after") || after >= 1, "after is the number of a part");
    const numbers = [...parts.keys()].sort((a, b) => a - b).filter((number) => number > after);
    const stored = numbers.slice(0, this.page).map((partNumber) => ({ partNumber, size: parts.get(partNumber).length, etag: etagOf(parts.get(partNumber)) }));
    const next = numbers.length > this.page ? numbers[this.page - 1] : undefined;
    const multipart = isSingle || record.status !== "pending" ? undefined : { partSize, partCount, stored, next };
    return { status: 200, json: { ...record, file: record.status === "ready" ? fileOf(record) : undefined, multipart } };
  }

  #confirm(upload, json) {
    const { record, parts, partCount } = upload;
    if (record.status === "expired") return problem(410, "upload_expired", "the grant has ended");
    if (record.status === "ready") return { status: 200, json: fileOf(record) };
    if (record.status !== "pending") return problem(409, "invalid_state", `the upload is ${record.status}`);
    if (parts.size < partCount) return problem(409, "not_uploaded", `${partCount - parts.size} of ${partCount} parts are missing`, undefined, true);
    const said = json?.parts ?? [];
    assert.equal(said.length, upload.isSingle ? 0 : partCount, "all parts are named");
    if (said.some(({ partNumber, etag }) => etag !== etagOf(parts.get(partNumber)))) return problem(409, "parts_mismatch", "storage holds other parts");
    record.status = "ready";
    return { status: 200, json: fileOf(record) };
  }

  async #storage(request, url, body) {
    this.busiest = Math.max(this.busiest, ++this.busy);
    if (this.takes) await new Promise((done) => setTimeout(done, this.takes));
    this.busy--;
    const [, id, number] = url.pathname.split("/");
    const upload = this.uploads.get(id);
    if (!upload || !["pending", "ready"].includes(upload.record.status)) return refusal(404, "NoSuchUpload");
    if (!upload.signatures.has(url.searchParams.get("X-Amz-Signature"))) return refusal(403, "AccessDenied");
    if (upload.isSingle) {
      assert.equal(request.headers["content-type"], upload.record.contentType);
      if (upload.parts.size) return refusal(412, "PreconditionFailed");
      const { checksum } = upload.record;
      if (checksum && checksum.sha256 !== sha256(body)) return refusal(400, "BadDigest");
    }
    assert.equal(body.length, this.#sizeOf(upload, Number(number)), "not the length that was signed");
    upload.parts.set(Number(number), body);
    return { status: 200, headers: { etag: etagOf(body), "access-control-expose-headers": this.hidesEtag ? "" : "etag, x-amz-checksum-crc64nvme" } };
  }
}

const etagOf = (bytes) => `"${createHash("md5").update(bytes).digest("hex")}"`;

export const fileOf = (record) => ({ id: record.id, status: "ready", filename: record.filename, size: record.size, fileUrl: `https://cdn.example/${record.id}` });

export function problem(status, code, detail, errors, retryable = false) {
  return { status, json: { type: `urn:valet:problem:${code}`, title: "", status, code, detail, requestId: "req-1", retryable, errors } };
}

const refusal = (status, code) => ({ status, text: `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>m</Message></Error>` });
