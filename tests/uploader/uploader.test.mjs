// What the uploader does on every answer of the API, of storage, and of the network. `make test-web` runs it.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { endings, hurry, rest, setOnline, together, until, waits } from "./browser.mjs";
import { Fake, fileOf, problem } from "./fake.mjs";

let fake, UploadError, upload, uploadAll;
let pages = 0;
beforeEach(async () => {
  rest();
  // Each test is a page of its own: what it learns of hosts and lines is not the next one's.
  ({ UploadError, upload, uploadAll } = await import(`../../web/uploader.js?page=${pages++}`));
  fake = await new Fake().start();
});
afterEach(() => {
  fake.stop();
  assert.deepEqual(fake.wrong, []);
});

const bytes = (size) => Buffer.from(Array.from({ length: size }, (_, n) => (n * 7 + (n >> 8)) & 255));
const video = (size, name = "a.mp4", type = "video/mp4") => new File([bytes(size)], name, { type });
const begin = (file, options) => upload(file, { api: fake.api, token: "good", ...options });
const beginAll = (files, options) => uploadAll(files, { api: fake.api, token: "good", ...options });
const failing = (task) =>
  task.then(
    () => assert.fail("it went well"),
    (error) => error,
  );
const puts = () => fake.log.filter((line) => line.startsWith("PUT "));
const GRANT = "POST /v1/uploads";
const CONFIRM = "POST /v1/uploads/…/confirm";
const PARTS = "POST /v1/uploads/…/parts";
const URL_AGAIN = "POST /v1/uploads/…/url";
const LOOK = "GET /v1/uploads/…?include=parts";
const DELETE = "DELETE /v1/uploads/…";
const SCANNING = { status: 202, headers: { "retry-after": "2" }, json: { status: "pending" } };

// ---- What goes well

test("a small file is granted, sent with exactly the granted headers and confirmed", async () => {
  const file = video(700);
  const record = await begin(file);
  assert.deepEqual(fake.log, [GRANT, "PUT 1", CONFIRM]);
  assert.deepEqual(record, fileOf(fake.upload.record));
  assert.ok(fake.content().equals(bytes(700)));
});

test("a large file goes up in parts, whole, and is confirmed with their ETags", async () => {
  await begin(video(20_500));
  assert.deepEqual([fake.count(GRANT), puts().length, fake.count(CONFIRM)], [1, 21, 1]);
  assert.ok(fake.content().equals(bytes(20_500)));
});

test("URLs are signed in batches, before they are needed", async () => {
  fake.firstParts = 5;
  await begin(video(100_000), { parallel: 3 });
  assert.equal(puts().length, 100);
  assert.equal(fake.count(PARTS), 3);
  // The first batch was asked for while URLs of the grant were left.
  assert.ok(fake.log.indexOf(PARTS) < fake.log.indexOf("PUT 5"), "asked for late");
});

test("tasks share the connections to storage", async () => {
  fake.takes = 40;
  const alone = await begin(video(12_000), { parallel: 4 });
  assert.equal(alone.status, "ready");
  assert.equal(fake.busiest, 4);
  await Promise.all([begin(video(12_000), { parallel: 4 }), begin(video(12_000), { parallel: 4 }), begin(video(500), { parallel: 4 })]);
  assert.equal(fake.busiest, 4);
});

test("progress rises from phase to phase and ends at the total", async () => {
  const seen = [];
  const file = video(5_500);
  await begin(file, { onProgress: (progress, of) => seen.push([progress, of]) });
  assert.ok(seen.every(([{ total }, of]) => total === 5_500 && of === file));
  const phases = seen.map(([{ phase }]) => phase);
  assert.deepEqual([...new Set(phases)], ["granting", "uploading", "confirming", "done"]);
  const loaded = seen.map(([progress]) => progress.loaded);
  assert.deepEqual(loaded, loaded.toSorted((a, b) => a - b));
  assert.deepEqual([loaded[0], loaded.at(-1)], [0, 5_500]);
  assert.ok(new Set(loaded).size > 6, "told within parts, too");
});

test("progress never exceeds the total, whatever the browser counts", async () => {
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) {
    const { onprogress } = this.upload;
    this.upload.onprogress = ({ loaded }) => onprogress({ loaded: loaded + 300 });
    return send.call(this, body);
  };
  const loaded = [];
  await begin(video(2_500), { onProgress: (progress) => loaded.push(progress.loaded) }).finally(() => (XMLHttpRequest.prototype.send = send));
  assert.equal(Math.max(...loaded), 2_500);
});

test("the grant is told without its signed requests", async () => {
  for (const size of [500, 5_000]) {
    const told = [];
    const file = video(size);
    const task = begin(file, { onGrant: (...what) => told.push(what) });
    const { id } = await task;
    assert.equal(told.length, 1);
    assert.deepEqual(told[0], [{ ...told[0][0], id, filename: "a.mp4", size }, file]);
    assert.equal(task.id, id);
    assert.doesNotMatch(JSON.stringify(told), /Signature/);
  }
});

test("a SHA-256 is told of a file that goes in one piece and is not too large to be read whole", async () => {
  fake.partSize = 2 ** 24;
  await begin(video(700), { checksum: true });
  assert.match(fake.upload.record.checksum.sha256, /^[\w+/]{43}=$/);
  fake.uploads.clear();
  for (const size of [2 ** 24 + 1, 2 ** 27 + 1]) {
    fake.next(GRANT, problem(503, "try_later", "later"));
    await failing(begin({ name: "a.mp4", type: "video/mp4", size, arrayBuffer: () => assert.fail("it is read") }, { checksum: true }));
  }
  await begin(video(700), { checksum: true, partSize: 600 });
  assert.equal(fake.upload.record.checksum, undefined);
  fake.uploads.clear();
  await begin(video(700));
  assert.equal(fake.upload.record.checksum, undefined);
});

test("files of up to 128 MiB go in smaller parts than the stack's", async () => {
  const asked = [];
  fake.next(GRANT, problem(503, "try_later", "later"), Infinity);
  const own = (url, request) => (asked.push(JSON.parse(request.body).partSize), fetch(url, request));
  for (const size of [2 ** 24, 2 ** 24 + 1, 2 ** 27, 2 ** 27 + 1]) await failing(begin({ name: "a.mp4", type: "video/mp4", size }, { fetch: own }));
  assert.deepEqual(asked, [undefined, 2 ** 23, 2 ** 23, undefined]);
});

test("a part size that is asked for is granted", async () => {
  await begin(video(700), { partSize: 300 });
  assert.deepEqual(puts().sort(), ["PUT 1", "PUT 2", "PUT 3"]);
});

test("a type's parameters are not sent", async () => {
  await begin(video(700, "a.mp4", "video/mp4;codecs=avc1"));
  assert.equal(fake.upload.record.contentType, "video/mp4");
});

test("a fetch of one's own is used for the API", async () => {
  const seen = [];
  const own = (url, request) => {
    seen.push(request.method);
    return fetch(url, request);
  };
  await begin(video(700), { fetch: own });
  assert.deepEqual(seen, ["POST", "POST"]);
});

// ---- Tokens

test("a token that is refused is asked for again, once", async () => {
  const asked = [];
  await begin(video(700), { token: async (refused) => (asked.push(!!refused), refused ? "good" : "stale") });
  assert.deepEqual(asked, [false, true, false, true]);
  fake.log.length = 0;
  const error = await failing(begin(video(700), { token: () => "bad" }));
  assert.deepEqual([error.code, error.status, error.retryable, fake.log.length], ["http_401", 401, false, 2]);
});

test("a token that is a text is not tried twice", async () => {
  const error = await failing(begin(video(700), { token: "bad" }));
  assert.deepEqual([error.code, fake.log.length], ["http_401", 1]);
});

test("what the token function throws comes out as it is", async () => {
  const mine = new Error("signed out");
  const token = () => {
    throw mine;
  };
  assert.equal(await failing(begin(video(700), { token })), mine);
});

// ---- The API's trouble

test("every problem of the API is an error with a code and a sentence", async () => {
  const wrongType = await failing(begin(video(700, "a.exe", "application/x-msdownload")));
  assert.ok(wrongType instanceof UploadError && wrongType instanceof Error);
  assert.equal(wrongType.name, "UploadError");
  assert.equal(wrongType.message, "Accepted are: video/mp4.");
  const { code, status, detail, requestId, retryable, errors } = wrongType;
  assert.deepEqual(
    { code, status, detail, requestId, retryable, errors },
    { code: "type_not_allowed", status: 415, detail: "accepted are: video/mp4", requestId: "req-1", retryable: false, errors: [] },
  );
  const empty = await failing(begin(video(0)));
  assert.equal(empty.message, "The request is not valid; /size must be at least 1.");
  assert.deepEqual(empty.errors, [{ pointer: "/size", detail: "must be at least 1" }]);
});

test("an answer that is no problem document has a code of its status", async () => {
  fake.next(GRANT, { status: 403, json: { message: "Forbidden" } });
  assert.equal((await failing(begin(video(700)))).code, "http_403");
  fake.next(GRANT, { status: 413, text: "<html>" });
  const error = await failing(begin(video(700)));
  assert.deepEqual([error.code, error.message], ["http_413", "The server answered 413."]);
});

test("an address that is not the API's is told", async () => {
  fake.next(GRANT, { status: 200, text: "<!doctype html>" }, Infinity);
  const error = await failing(begin(video(700)));
  assert.deepEqual([error.code, fake.count(GRANT)], ["http_200", 6]);
});

for (const answer of ["reset", { status: 500, text: "" }, { status: 502, text: "<html>" }, { status: 429, json: { message: "Too Many Requests" } }, { status: 408, text: "" }, problem(503, "try_later", "nothing was lost", [], true)])
  test(`the API is asked again after ${answer.status ?? answer}, and its grant is not doubled`, async () => {
    const keys = new Set();
    const own = (url, request) => {
      if (url.endsWith("/uploads")) keys.add(request.headers["idempotency-key"]);
      return fetch(url, request);
    };
    fake.next(GRANT, answer, 3);
    fake.next(CONFIRM, answer, 2);
    await begin(video(700), { fetch: own });
    assert.deepEqual([fake.count(GRANT), fake.count(CONFIRM), keys.size], [4, 3, 1]);
  });

test("the API is asked six times and then given up", async () => {
  fake.next(GRANT, { status: 503, text: "" }, Infinity);
  const error = await failing(begin(video(700)));
  assert.deepEqual([error.code, error.retryable, fake.count(GRANT)], ["http_503", true, 6]);
});

test("how often something is tried can be said", async () => {
  fake.next(GRANT, { status: 503, text: "" }, Infinity);
  await failing(begin(video(700), { retries: 0 }));
  assert.equal(fake.count(GRANT), 1);
});

test("a problem that may not pass is not tried again", async () => {
  fake.next(GRANT, problem(500, "internal_error", "something is wrong on our side"));
  assert.equal((await failing(begin(video(700)))).code, "internal_error");
  assert.equal(fake.count(GRANT), 1);
});

test("waits between tries grow, differ, and come on top of Retry-After", async () => {
  fake.next(GRANT, { status: 503, text: "" }, 4);
  await begin(video(700));
  assert.deepEqual(waits.slice(0, 4), [500, 1000, 2000, 4000]);
  rest();
  Math.random = () => 0.25;
  fake.next(GRANT, { status: 503, headers: { "retry-after": "7" }, text: "" });
  fake.next(GRANT, { status: 503, headers: { "retry-after": "Sun, 22 Nov 2026 07:53:00 GMT" }, text: "" });
  await begin(video(700));
  assert.deepEqual(waits.slice(0, 2), [7000 + 250 + 437.5, 500]);
});

test("storage that is still putting the parts together is asked again, however often", async () => {
  fake.next(CONFIRM, { status: 202, headers: { "retry-after": "3" }, json: { status: "pending" } }, 9);
  const { status } = await begin(video(2_700));
  assert.deepEqual([status, fake.count(CONFIRM)], ["ready", 10]);
  assert.equal(waits.filter((ms) => ms >= 3000 && ms < 4000).length, 9);
});

test("a file that is being scanned makes those after it no slower", async () => {
  fake.next(CONFIRM, { status: 202, headers: { "retry-after": "2" }, json: { status: "pending" } }, 9);
  await begin(video(700));
  fake.takes = 20;
  together.length = 0;
  await begin(video(30_000), { parallel: 4 });
  assert.deepEqual(together.slice(0, 4), [1, 2, 3, 4]);
});

test("a file that is being scanned is not given up, however often the API is busy in between", async () => {
  let turn = 0;
  fake.next(CONFIRM, () => (turn++ % 2 ? { status: 429, json: { message: "Too Many Requests" } } : { ...SCANNING, headers: { "retry-after": "1" } }), 20);
  const { status } = await begin(video(700));
  assert.deepEqual([status, fake.count(CONFIRM)], ["ready", 21]);
  assert.deepEqual(new Set(waits.filter((ms) => ms < 2000)), new Set([1375, 500]));
});

test("an API that is busy and nothing else is given up while a file is scanned, too", async () => {
  fake.next(CONFIRM, SCANNING, 3);
  fake.next(CONFIRM, { status: 429, json: { message: "Too Many Requests" } }, Infinity);
  const error = await failing(begin(video(700)));
  assert.deepEqual([error.status, error.retryable, fake.count(CONFIRM)], [429, true, 9]);
});

test("a minute that the API asks for is waited, and spread by a quarter", async () => {
  hurry();
  fake.next(CONFIRM, { ...SCANNING, headers: { "retry-after": "60" } }, 3);
  const jitters = [0, 0.5, 0.999];
  const spread = [60_000, 67_750, 75_484.5];
  Math.random = () => jitters[fake.count(CONFIRM) - 1] ?? 0.5;
  await begin(video(700));
  assert.deepEqual(waits.filter((ms) => ms >= 60_000 && ms < 120_000), spread);
});

test("fifty files that are being scanned are asked about four times a second together", async () => {
  fake.next(CONFIRM, SCANNING, 250);
  waits.length = 0;
  const files = await Promise.all(beginAll(Array.from({ length: 50 }, (_, n) => video(300, `${n}.mp4`))));
  assert.ok(files.every(({ status }) => status === "ready"));
  const asked = waits.filter((ms) => ms >= 2000 && ms < 30_000).sort((a, b) => a - b);
  assert.equal(asked.length, 250);
  // Fifty of them every 12 seconds; fewer count while some of the questions are under way.
  assert.ok(asked[125] >= 8000, String(asked));
  assert.ok(asked[249] <= 49 * 250 * 1.125 + 250);
});

test("a file that waits for its verdict is cancelled at once", async () => {
  hurry();
  fake.next(CONFIRM, { ...SCANNING, headers: { "retry-after": "300" } });
  const task = begin(video(700));
  task.catch(() => {});
  await until(() => waits.some((ms) => ms >= 300_000), "it waits");
  const before = Date.now();
  task.cancel();
  await until(() => fake.count(DELETE) === 1, "it is deleted");
  assert.ok(Date.now() - before < 1500, "it was waited for");
  assert.deepEqual([fake.count(CONFIRM), fake.upload.record.status], [1, "cancelled"]);
});

test("a file that is resumed while it waits for its verdict is asked about at once", async () => {
  hurry();
  fake.next(CONFIRM, { ...SCANNING, headers: { "retry-after": "300" } });
  const task = begin(video(700));
  await until(() => waits.some((ms) => ms >= 300_000), "it waits");
  const before = Date.now();
  task.pause();
  await new Promise((done) => setTimeout(done, 50));
  assert.equal(fake.count(CONFIRM), 1);
  task.resume();
  await task;
  assert.ok(Date.now() - before < 1500, "it was waited for");
});

test("parts that are missing when all seemed sent are sent", async () => {
  fake.next(CONFIRM, async () => void fake.upload.parts.delete(2));
  await begin(video(3_500));
  assert.deepEqual([puts().length, fake.count("PUT 2"), fake.count(LOOK), fake.count(CONFIRM)], [5, 2, 1, 2]);
  assert.ok(fake.content().equals(bytes(3_500)));
});

test("parts that differ from what was sent are sent again", async () => {
  fake.next(CONFIRM, async () => void fake.upload.parts.set(3, Buffer.alloc(1000)));
  await begin(video(3_500));
  assert.deepEqual([puts().length, fake.count("PUT 3")], [5, 2]);
  assert.ok(fake.content().equals(bytes(3_500)));
});

test("a file that does not arrive by one PUT is sent again", async () => {
  fake.next(CONFIRM, async () => void fake.upload.parts.clear());
  await begin(video(700));
  assert.deepEqual([puts().length, fake.count(CONFIRM)], [2, 2]);
});

test("parts that keep missing are given up", async () => {
  fake.next(CONFIRM, problem(409, "not_uploaded", "2 of 4 parts are missing", [], true), Infinity);
  const error = await failing(begin(video(3_500)));
  assert.deepEqual([error.code, fake.count(CONFIRM), puts().length], ["not_uploaded", 6, 4]);
});

test("what was refused after it arrived is an error and not tried again", async () => {
  fake.next(CONFIRM, problem(422, "content_mismatch", "what arrived is not what was granted"));
  const error = await failing(begin(video(700)));
  assert.deepEqual([error.code, fake.count(CONFIRM), puts().length], ["content_mismatch", 1, 1]);
});

// ---- Storage's trouble

for (const answer of ["reset", { status: 500, text: "" }, { status: 503, text: "<Error><Code>SlowDown</Code></Error>" }, { status: 400, text: "<Error><Code>RequestTimeout</Code></Error>" }])
  test(`a part is sent again after ${answer.status ?? answer}, by a fresh URL`, async () => {
    const loaded = [];
    fake.next("PUT 2", answer, 3);
    await begin(video(3_500), { onProgress: (progress) => loaded.push(progress.loaded) });
    assert.deepEqual([puts().length, fake.count("PUT 2"), fake.count(PARTS)], [7, 4, 3]);
    assert.ok(fake.content().equals(bytes(3_500)));
    assert.equal(Math.max(...loaded), 3_500);
  });

test("a part is tried six times and then given up, with storage's code", async () => {
  fake.next("PUT 1", { status: 503, text: "<Error><Code>SlowDown</Code></Error>" }, Infinity);
  const error = await failing(begin(video(700)));
  assert.deepEqual([error.code, error.message, error.retryable, puts().length], ["http_503", "The server answered 503 SlowDown.", true, 6]);
});

test("fewer requests go out at a time on a line that breaks, and more again once it holds", async () => {
  fake.takes = 20;
  for (const number of [1, 2, 3, 4]) fake.next(`PUT ${number}`, "reset");
  await begin(video(30_000), { parallel: 4 });
  assert.deepEqual(together.slice(0, 5), [1, 2, 3, 4, 1]);
  assert.equal(Math.max(...together.slice(4)), 4);
});

test("failures do not count while other parts get through", async (t) => {
  // The longest waits that chance may bring: others get through in each of them, on a busy machine too.
  t.mock.method(Math, "random", () => 0.99);
  fake.next("PUT 1", { status: 500, text: "" }, 9);
  await begin(video(90_000), { parallel: 2 });
  assert.equal(fake.count("PUT 1"), 10);
});

test("a URL that storage refuses is signed again", async () => {
  fake.next("PUT 1", { status: 403, text: "<Error><Code>AccessDenied</Code></Error>" }, 2);
  await begin(video(700));
  assert.deepEqual([puts().length, fake.count(URL_AGAIN)], [3, 2]);
  fake.next("PUT 2", { status: 403, text: "" });
  fake.uploads.clear();
  await begin(video(3_700));
  assert.equal(fake.count(PARTS), 1);
});

test("storage that refuses fresh URLs is given up", async () => {
  fake.next("PUT 1", { status: 403, text: "<Error><Code>SignatureDoesNotMatch</Code></Error>" }, Infinity);
  const error = await failing(begin(video(700)));
  assert.deepEqual([error.code, error.message, puts().length], ["http_403", "The server answered 403 SignatureDoesNotMatch.", 6]);
});

test("a URL that has ended is not used", async () => {
  fake.life = 0;
  await begin(video(700), { onGrant: () => (fake.life = 900) });
  assert.deepEqual(fake.log, [GRANT, URL_AGAIN, "PUT 1", CONFIRM]);
});

test("what is stored already is confirmed", async () => {
  // The answer to the first PUT is lost.
  fake.next("PUT 1", async () => {
    fake.upload.parts.set(1, bytes(700));
    return { status: 500, text: "" };
  });
  const { status } = await begin(video(700));
  assert.deepEqual([status, fake.log], ["ready", [GRANT, "PUT 1", URL_AGAIN, "PUT 1", CONFIRM]]);
});

test("an ETag that is hidden from the page is explained", async () => {
  fake.hidesEtag = true;
  const error = await failing(begin(video(2_700)));
  assert.equal(error.code, "cors");
  assert.equal(error.message, `${new URL(fake.bucket).host} hides its ETag from this page.`);
});

test("a host that never answered may have CORS rules that keep the page out, one that did has not", async () => {
  const { host } = new URL(fake.api);
  const never = await failing(upload(video(700), { api: "http://127.0.0.1:9", token: "good" }));
  assert.deepEqual([never.code, never.retryable], ["network", true]);
  assert.equal(never.message, "127.0.0.1:9 cannot be reached, or its CORS rules keep this page out.");
  fake.next(CONFIRM, "reset", Infinity);
  assert.equal((await failing(begin(video(700)))).message, `${host} cannot be reached.`);
  fake.next("PUT 1", "reset", Infinity);
  assert.equal((await failing(begin(video(700)))).message, `${new URL(fake.bucket).host} cannot be reached.`);
});

test("no error holds a signed URL", async () => {
  fake.next("PUT 1", "reset", Infinity);
  const error = await failing(begin(video(700)));
  assert.doesNotMatch(JSON.stringify({ ...error, message: error.message }), /Signature/);
});

test("a connection on which nothing moves is given up and the part sent again", async () => {
  hurry();
  fake.next("PUT 2", "silence");
  await begin(video(3_500));
  assert.equal(fake.count("PUT 2"), 2);
  assert.ok(waits.includes(30_000) && waits.includes(120_000));
});

test("a file that cannot be read any more is told", async () => {
  const file = video(700);
  file.slice = () => ({ size: 700, slice: file.slice, arrayBuffer: () => Promise.reject(new DOMException("gone", "NotReadableError")) });
  const error = await failing(begin(file));
  assert.deepEqual([error.code, error.message], ["unreadable", "The file was changed or removed."]);
});

test("the failure of a part ends the task at once, even if others have all the connections", async () => {
  fake.next("PUT 1", "silence", 2);
  const others = [begin(video(500), { parallel: 3 }), begin(video(500), { parallel: 3 })];
  await until(() => puts().length === 2, "others are under way");
  fake.next("PUT 2", { status: 500, text: "" });
  const error = await failing(begin(video(9_000), { parallel: 3, retries: 0, resume: fake.add(video(9_000), { stored: [[1, bytes(1000)]] }).record.id }));
  assert.equal(error.code, "http_500");
  assert.equal(puts().length, 3);
  others.forEach((task) => task.cancel());
  await Promise.all(others.map(failing));
});

// ---- Offline

test("a page that is offline waits for the network and counts nothing", async () => {
  setOnline(false);
  let tries = 0;
  const own = (...request) => (tries++, navigator.onLine ? fetch(...request) : Promise.reject(new TypeError("offline")));
  const task = begin(video(700), { fetch: own, retries: 0 });
  await until(() => tries === 1, "the grant was asked for");
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual([tries, fake.log], [1, []]);
  setOnline(true);
  assert.equal((await task).status, "ready");
});

test("parts that break off with the network are sent once it is back", async () => {
  fake.next("PUT 2", async () => {
    setOnline(false);
    throw Object.assign(new Error(), { code: "ECONNRESET" });
  });
  const task = begin(video(3_500), { retries: 0 });
  await until(() => fake.count("PUT 2") === 1 && !navigator.onLine, "the network is gone");
  await new Promise((done) => setTimeout(done, 50));
  assert.equal(fake.count(CONFIRM), 0);
  setOnline(true);
  await task;
  assert.ok(fake.content().equals(bytes(3_500)));
});

// ---- Pause, resume, cancel

test("a pause breaks off what is under way and keeps what is stored", async () => {
  fake.next("PUT 2", "silence");
  const task = begin(video(4_500), { parallel: 2, retries: 0 });
  await until(() => endings() === 4, "all but part 2 are stored");
  task.pause();
  const { upload: paused } = fake;
  // Meanwhile another one goes through.
  await begin(video(700));
  assert.deepEqual([fake.count("PUT 2"), fake.count(PARTS), paused.record.status], [1, 0, "pending"]);
  task.resume();
  await task;
  assert.deepEqual([puts().length, fake.count("PUT 2")], [7, 2]);
  assert.ok(fake.content(paused).equals(bytes(4_500)));
});

test("a task that is paused before it began begins once it is resumed", async () => {
  const task = begin(video(700));
  task.pause();
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(puts(), []);
  task.resume();
  assert.equal((await task).status, "ready");
});

test("a task that is paused takes no connection from others", async () => {
  fake.next("PUT 1", "silence");
  const paused = begin(video(700), { parallel: 1 });
  await until(() => puts().length === 1, "it has begun");
  paused.pause();
  await begin(video(800), { parallel: 1 });
  paused.resume();
  await paused;
});

test("a task that is cancelled rejects at once and removes what has arrived", async () => {
  fake.next("PUT 2", "silence");
  const task = begin(video(4_500));
  await until(() => fake.uploads.size && fake.upload.parts.size === 4, "all but part 2 are stored");
  task.cancel();
  const error = await failing(task);
  assert.deepEqual([error.code, error.message, error.retryable], ["cancelled", "The upload is cancelled.", false]);
  await until(() => fake.count(DELETE) === 1, "it is deleted");
  assert.equal(fake.count(CONFIRM), 0);
});

test("an aborted signal cancels", async () => {
  fake.next("PUT 1", "silence");
  const control = new AbortController();
  const task = begin(video(700), { signal: control.signal });
  await until(() => puts().length === 1, "it has begun");
  control.abort();
  assert.equal((await failing(task)).code, "cancelled");
  await until(() => fake.count(DELETE) === 1, "it is deleted");
});

test("a signal that was aborted before keeps the task from asking for anything", async () => {
  const error = await failing(begin(video(700), { signal: AbortSignal.abort() }));
  assert.deepEqual([error.code, fake.log], ["cancelled", []]);
});

test("a task that is cancelled rejects even while the API is silent", async () => {
  fake.next(GRANT, "silence");
  const task = begin(video(700));
  await until(() => fake.count(GRANT) === 1, "the grant is asked for");
  task.cancel();
  assert.equal((await Promise.race([failing(task), until(() => false, "it rejects")])).code, "cancelled");
});

test("what was granted while the task was cancelled is removed", async () => {
  const task = begin(video(700));
  fake.next(GRANT, async () => void task.cancel());
  assert.equal((await failing(task)).code, "cancelled");
  await until(() => fake.count(DELETE) === 1, "it is deleted");
  assert.deepEqual(puts(), []);
});

test("a task that is cancelled while paused is removed, too", async () => {
  fake.next("PUT 1", "silence");
  const task = begin(video(700));
  await until(() => puts().length === 1, "it has begun");
  task.pause();
  await until(() => endings() === 1, "nothing is under way any more");
  task.cancel();
  await failing(task);
  await until(() => fake.count(DELETE) === 1, "it is deleted");
});

test("a task that is cancelled while others have all connections is removed, too", async () => {
  fake.next("PUT 1", "silence");
  const other = begin(video(700), { parallel: 1 });
  await until(() => puts().length === 1, "it has begun");
  const task = begin(video(800), { parallel: 1, onProgress: ({ phase }) => phase === "uploading" && setImmediate(() => task.cancel()) });
  await failing(task);
  await until(() => fake.count(DELETE) === 1, "it is deleted");
  other.cancel();
  await failing(other);
});

test("a task that is over cannot be cancelled", async () => {
  const control = new AbortController();
  const task = begin(video(700), { signal: control.signal });
  await task;
  task.cancel();
  control.abort();
  await begin(video(700));
  assert.equal(fake.count(DELETE), 0);
  assert.equal((await task).status, "ready");
});

test("a cancelled task tells no more progress", async () => {
  const phases = [];
  fake.next("PUT 1", "silence");
  const task = begin(video(700), { onProgress: ({ phase }) => phases.push(phase) });
  await until(() => puts().length === 1, "it has begun");
  task.cancel();
  const { length } = phases;
  await failing(task);
  await until(() => fake.count(DELETE) === 1, "it is deleted");
  assert.equal(phases.length, length);
});

// ---- Resuming by id

test("an upload that is taken up again sends what is missing", async () => {
  fake.page = 2;
  const content = bytes(5_500);
  const stored = [1, 2, 3, 5].map((number) => [number, content.subarray((number - 1) * 1000, number * 1000)]);
  const { record } = fake.add(video(5_500), { stored });
  const loaded = [];
  const task = begin(video(5_500), { resume: record.id, onProgress: (progress) => loaded.push(progress.loaded) });
  assert.equal((await task).id, record.id);
  assert.equal(task.id, record.id);
  assert.deepEqual(puts().sort(), ["PUT 4", "PUT 6"]);
  assert.equal(loaded.find((bytes) => bytes > 0), 4000, "what is stored counts from the beginning");
  assert.deepEqual(fake.log.slice(0, 2), [LOOK, `${LOOK}&after=2`]);
  assert.ok(fake.content().equals(content));
});

test("a single PUT that is taken up again is signed again", async () => {
  const { record } = fake.add(video(700));
  await begin(video(700), { resume: record.id });
  assert.deepEqual(fake.log, [LOOK, URL_AGAIN, "PUT 1", CONFIRM]);
});

test("a finished upload that is taken up again is the file at once", async () => {
  const { record } = fake.add(video(700), { status: "ready" });
  const seen = [];
  const file = await begin(video(700), { resume: record.id, onProgress: (progress) => seen.push(progress) });
  assert.deepEqual([file.id, fake.log], [record.id, [LOOK]]);
  assert.deepEqual(seen, [{ loaded: 700, total: 700, phase: "done" }]);
});

for (const status of ["cancelled", "expired", "rejected", "deleted"])
  test(`an upload that is ${status} begins anew when it is taken up again`, async () => {
    const { record } = fake.add(video(2_700), { status });
    const granted = [];
    const file = await begin(video(2_700), { resume: record.id, onGrant: ({ id }) => granted.push(id) });
    assert.notEqual(file.id, record.id);
    assert.deepEqual(granted, [file.id]);
  });

test("an upload that nobody knows any more begins anew", async () => {
  await begin(video(2_700), { resume: "01936f2e-8b5a-7c3d-9e4f-0123456789ab" });
  assert.deepEqual(fake.log.slice(0, 2), [LOOK, GRANT]);
  fake.next(LOOK, problem(410, "upload_expired", "the grant has ended"));
  assert.equal((await begin(video(2_700), { resume: "01936f2e-8b5a-7c3d-9e4f-0123456789ab" })).status, "ready");
});

test("another file than the one that was begun is refused", async () => {
  for (const status of ["pending", "ready"]) {
    const { record } = fake.add(video(2_700), { status });
    for (const other of [video(2_701), video(2_700, "a.webm", "video/webm")]) {
      const error = await failing(begin(other, { resume: record.id }));
      assert.deepEqual([error.code, error.message], ["different_file", "This is another file."]);
    }
    assert.deepEqual([fake.count(GRANT), puts().length, fake.count(DELETE)], [0, 0, 0]);
  }
});

// ---- An upload that ends while it is under way

test("an upload that somebody else cancels ends", async () => {
  fake.next("PUT 2", async () => void (fake.upload.record.status = "cancelled"));
  const error = await failing(begin(video(3_500)));
  assert.deepEqual([error.code, fake.count(GRANT)], ["cancelled", 1]);
});

test("an upload that somebody else finishes is the file", async () => {
  fake.next(CONFIRM, async () => {
    fake.upload.record.status = "ready";
    return problem(409, "invalid_state", "the upload is ready");
  });
  assert.equal((await begin(video(3_500))).status, "ready");
  assert.equal(fake.count(GRANT), 1);
});

test("an upload whose grant ends meanwhile begins anew", async () => {
  fake.next("PUT 1", async () => {
    fake.upload.record.status = "expired";
    return { status: 403, text: "" };
  });
  const granted = [];
  const { id } = await begin(video(700), { onGrant: (upload) => granted.push(upload.id) });
  assert.equal(granted.length, 2);
  assert.equal(granted[1], id);
});

// ---- Many at once

test("files are granted many at a time, and no more than fifty ahead", async () => {
  const tasks = beginAll(Array.from({ length: 120 }, (_, n) => video(300 + n, `${n}.mp4`)));
  const files = await Promise.all(tasks);
  assert.deepEqual([fake.count("POST /v1/uploads/batch"), fake.count(GRANT)], [4, 0]);
  assert.equal(fake.mostPending, 50);
  assert.deepEqual(
    files.map(({ filename, size }) => [filename, size]),
    Array.from({ length: 120 }, (_, n) => [`${n}.mp4`, 300 + n]),
  );
  for (const upload of fake.uploads.values()) assert.ok(fake.content(upload).equals(bytes(upload.record.size)));
  assert.ok(fake.busiest <= 6);
});

test("a bad file fails alone", async () => {
  const files = [video(300), video(300, "a.exe", "application/x-msdownload"), video(2_300)];
  const settled = await Promise.allSettled(beginAll(files));
  assert.deepEqual(
    settled.map(({ value, reason }) => value?.status ?? reason.code),
    ["ready", "type_not_allowed", "ready"],
  );
  assert.equal(settled[1].reason.status, 415);
});

test("a file whose grant is to be tried later is granted by itself", async () => {
  fake.next("batch", async () => {
    const [, upload] = await Promise.all([fake.issue(video(300)), fake.issue(video(400))]);
    return { status: 200, json: { items: [{ status: 503, problem: problem(503, "try_later", "later", [], true).json }, { status: 201, upload }] } };
  });
  const files = await Promise.all(beginAll([video(300), video(400)]));
  assert.deepEqual(files.map(({ size }) => size), [300, 400]);
  assert.equal(fake.count(GRANT), 1);
});

test("a batch that is refused as a whole fails every file, and is tried as a whole", async () => {
  fake.next("batch", { status: 503, text: "" }, Infinity);
  const settled = await Promise.allSettled(beginAll([video(300), video(400), video(500)]));
  assert.deepEqual(settled.map(({ reason }) => reason.code), Array(3).fill("http_503"));
  assert.deepEqual([fake.count("POST /v1/uploads/batch"), fake.count(GRANT)], [6, 0]);
});

test("one task's end is not that of the others of its batch", async () => {
  const tasks = beginAll([video(300), video(400), video(500)]);
  tasks[1].cancel();
  tasks[2].pause();
  assert.equal((await failing(tasks[1])).code, "cancelled");
  assert.equal((await tasks[0]).size, 300);
  await until(() => fake.count(DELETE) === 1, "the cancelled one is deleted");
  tasks[2].resume();
  assert.equal((await tasks[2]).size, 500);
});

test("one file alone is granted alone, none not at all, and progress says whose it is", async () => {
  const file = video(300);
  const seen = new Set();
  await Promise.all(beginAll([file], { onProgress: (_, of) => seen.add(of) }));
  assert.deepEqual([fake.log[0], [...seen]], [GRANT, [file]]);
  assert.deepEqual(beginAll([]), []);
});

test("a rejection that nobody looks at yet is not reported as unhandled", async () => {
  const unhandled = [];
  const listener = (error) => unhandled.push(error);
  process.on("unhandledRejection", listener);
  const [bad, good] = beginAll([video(300, "a.exe", "application/x-msdownload"), video(400)]);
  await good;
  await new Promise((done) => setTimeout(done, 20));
  process.off("unhandledRejection", listener);
  assert.deepEqual(unhandled, []);
  assert.equal((await failing(bad)).code, "type_not_allowed");
});

const videos = (count) => Array.from({ length: count }, (_, n) => video(300 + n, `${n}.mp4`));
const others = (count) => Array.from({ length: count }, () => fake.add(video(300)));

test("five hundred files go up where an owner may hold a hundred grants, and none is refused", async () => {
  fake.maxPending = 100;
  const files = await Promise.all(beginAll(videos(500)));
  assert.equal(files.length, 500);
  assert.deepEqual([fake.refusals, fake.mostPending], [0, 50]);
  assert.ok(fake.count("POST /v1/uploads/batch") <= 20);
});

test("files that find no room wait for those before them, however often", async () => {
  fake.maxPending = 100;
  others(97);
  const files = await Promise.all(beginAll(videos(60), { retries: 0 }));
  assert.deepEqual([files.length, fake.mostPending], [60, 100]);
  assert.ok(fake.refusals > 20);
  assert.ok(waits.filter((ms) => ms >= 10_000).length >= 40, "an item of a batch says when to ask again, too");
});

test("files that are too many for a minute wait for the next one", async () => {
  fake.maxGrants = 15;
  const begun = Date.now();
  const files = await Promise.all(beginAll(videos(60), { retries: 0 }));
  assert.equal(files.length, 60);
  assert.ok(fake.refusals > 0 && Date.now() - begun >= 2 * fake.minute);
});

test("one file waits for room as long as there is none, and counts nothing", async () => {
  fake.maxPending = 1;
  const [other] = others(1);
  const task = begin(video(300), { retries: 0 });
  await until(() => fake.refusals === 9, "it asks again and again");
  other.record.status = "cancelled";
  assert.equal((await task).status, "ready");
  assert.ok(waits.slice(0, 9).every((ms) => ms === 11_500), String(waits));
});

test("a task that is cancelled while there is no room asks no more", async () => {
  fake.maxPending = 0;
  const tasks = [begin(video(300)), ...beginAll(videos(2))];
  await until(() => fake.refusals >= 6, "all wait");
  for (const task of tasks) task.cancel();
  for (const task of tasks) assert.equal((await failing(task)).code, "cancelled");
  await new Promise((done) => setTimeout(done, 250));
  const before = fake.refusals;
  fake.maxPending = Infinity;
  await new Promise((done) => setTimeout(done, 250));
  assert.deepEqual([fake.refusals, fake.uploads.size], [before, 0]);
});

test("a task that is cancelled before its turn is never granted", async () => {
  fake.takes = 20;
  const tasks = beginAll(videos(60));
  for (const task of tasks.slice(50)) task.cancel();
  await Promise.all(tasks.slice(0, 50));
  assert.deepEqual([fake.uploads.size, fake.count(DELETE)], [50, 0]);
});

test("tasks that are paused keep no others from their turn", async () => {
  const tasks = beginAll(videos(70));
  for (const task of tasks.slice(0, 60)) task.pause();
  await Promise.all(tasks.slice(60));
  for (const task of tasks) task.resume();
  assert.equal((await Promise.all(tasks)).length, 70);
});

test("what an owner holds too much of is final, and said in the API's words", async () => {
  fake.maxFiles = 2;
  others(1);
  const settled = await Promise.allSettled(beginAll(videos(3)));
  assert.deepEqual(settled.map(({ value, reason }) => value?.status ?? reason.code), ["ready", "quota_exceeded", "quota_exceeded"]);
  const error = await failing(begin(video(300)));
  assert.deepEqual([error.status, error.code, error.retryable], [403, "quota_exceeded", false]);
  assert.equal(error.message, "This does not fit: of at most 2 files, 2 are held.");
  assert.deepEqual([fake.refusals, waits.filter((ms) => ms < 30_000)], [3, []]);
});
