// See uploader.d.ts and docs/UPLOADER.md.

export class UploadError extends Error {
	name = "UploadError";
	constructor(code, text, more) {
		super(text[0].toUpperCase() + text.slice(1) + ".");
		Object.assign(this, { code, retryable: false, ...more });
	}
}

const failure = (status, problem) => {
	const { detail = "the server answered " + status, errors = [], retryable = /20[02]|408|429|5../.test(status) } = problem;
	const text = [detail, ...errors.map((error) => error.pointer + " " + error.detail)].join("; ");
	return new UploadError("http_" + status, text, { errors, ...problem, status, retryable });
};
const over = (status) => new UploadError(status, "the upload is " + status);
const isMended = ({ status }) => /404|409|410/.test(status);

const heard = new Set();
const hostOf = (url) => new URL(url).host;
const unreachable = (url) => {
	const text = heard.has(hostOf(url)) ? " cannot be reached" : " cannot be reached, or its CORS rules keep this page out";
	return new UploadError("network", hostOf(url) + text, { retryable: true });
};

const typeOf = (file) => file.type.split(";")[0];

const waiting = [];
const woken = () => new Promise((done) => waiting.push(done));
const wake = () => waiting.splice(0).forEach((done) => done());
globalThis.addEventListener?.("online", wake);
const open = new Set();
let busy = 0, waits = 0, limit = Infinity, filling;

// All that wait ask at most four times a second.
const backOff = (run, failures, retryAfter) =>
	new Promise((done) => {
		run.requests.add({ abort: done });
		const ms = Math.max(1e3 * retryAfter || 0, !failures * 250 * waits++);
		setTimeout(done, ms + Math.random() * Math.min(2e4, 500 * 2 ** failures + ms / 4));
	}).finally(() => waits--);

const newRun = (options) => ({ parallel: 6, retries: 5, ...options, turn: 0, arrived: 0, requests: new Set() });
const interrupt = (run) => {
	run.turn++;
	run.requests.forEach((request) => request.abort());
	wake();
};

const attempt = async (run, job) => {
	for (let failures = 0, isLost, arrived; ; ) {
		while (!run.ended && (run.paused || (isLost && !navigator.onLine))) await woken();
		if (run.ended) throw run.ended;
		const { turn } = run;
		try {
			return await job(turn);
		} catch (error) {
			const { code, status, retryable, gaveUp, retryAfter } = error;
			if (turn !== run.turn) continue;
			if (!retryable || gaveUp || code === "not_uploaded") throw error;
			if ((isLost = code === "network" && !navigator.onLine)) continue;
			if (arrived !== (arrived = run.arrived)) failures = 0;
			if (/202|too_many/.test(status + code)) failures = 0;
			else if (++failures > run.retries) throw Object.assign(error, { gaveUp: true });
			else limit = Math.ceil(Math.min(limit, run.parallel) / 2);
			await backOff(run, failures, retryAfter);
		}
	}
};

const call = (run, method, path, body) => {
	const { api, token, fetch = globalThis.fetch } = run;
	const headers = { "content-type": "application/json", "idempotency-key": Math.random() };
	const once = async (again) => {
		headers.authorization = "Bearer " + (token.call ? await token(again) : token);
		const request = { method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout?.(4e4) };
		const response = await fetch(api + "/v1/uploads" + path, request).catch(() => {
			throw unreachable(api);
		});
		heard.add(hostOf(api));
		const { status } = response;
		if (status === 401 && token.call && !again) return once(true);
		const json = await response.json().catch(() => {});
		if (json && status < 202) return json;
		throw failure(status, { retryAfter: response.headers.get("retry-after"), ...json });
	};
	return attempt(run, () => once());
};

const grants = async (files, options, run = newRun(options)) => {
	const items = [];
	for (const file of files) {
		const { size, name: filename } = file;
		const { checksum, partSize = size <= 2 ** 24 || size > 2 ** 27 ? void 0 : 2 ** 23 } = options;
		const item = { filename, contentType: typeOf(file), size, partSize };
		if (checksum && size <= 2 ** 24 && !partSize) {
			const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer().catch(() => new Uint8Array()));
			item.checksum = { sha256: btoa(String.fromCharCode(...new Uint8Array(digest))) };
		}
		items.push(item);
	}
	const upload = await (items[1] ? call(run, "POST", "/batch", { items }) : call(run, "POST", "", items[0]));
	return upload.items ?? [{ upload }];
};

export const upload = (file, options, ask) => {
	const run = newRun(options);
	const { signal, onGrant, onProgress } = options;
	let upload, signing, failed, settle, parts = [];

	const api = (method, path, body) => call(run, method, "/" + task.id + path, body);
	const report = (phase) => {
		let loaded = 0;
		for (const { sent } of parts) loaded += sent;
		if (!run.ended) onProgress?.({ loaded, total: file.size, phase }, file);
	};

	const isReady = ({ etag, url, until }) => etag || (url && !(until <= Date.now()));
	const keep = ({ request = {}, multipart, parts: signed = multipart?.parts ?? [request] }) => {
		for (const { partNumber = 1, url, headers } of signed) {
			const until = Date.now() + /Expires=(\d+)/.exec(url)?.[1] * 900;
			Object.assign(parts[partNumber - 1], { url, headers, until });
		}
	};
	const signFrom = async ({ partNumber }) => {
		const next = parts.slice(partNumber - 1).filter((part) => !isReady(part)).slice(0, 40);
		keep(await (upload.multipart ? api("POST", "/parts", { parts: next.map(({ partNumber }) => ({ partNumber })) }) : api("POST", "/url")));
	};
	const sign = async (part) => {
		while (part && !isReady(part)) await (signing ??= signFrom(part).finally(() => (signing = null)));
	};

	const send = async (part, turn) => {
		await sign(part);
		while (busy >= Math.min(limit, run.parallel) && turn === run.turn) await woken();
		if (turn !== run.turn || !isReady(part)) return;
		const { url, headers, body } = part;
		const moved = (bytes) => {
			part.sent = Math.min(bytes, body.size);
			report("uploading");
		};
		const request = new XMLHttpRequest();
		request.open("PUT", url);
		for (const name in headers) request.setRequestHeader(name, headers[name]);
		run.requests.add(request);
		busy++;
		await new Promise((done) => {
			let timer;
			const watch = (ms) => {
				clearTimeout(timer);
				timer = setTimeout(() => request.abort(), ms);
			};
			request.upload.onprogress = ({ loaded }) => {
				watch(3e4);
				moved(loaded);
			};
			request.upload.onload = () => watch(12e4);
			request.onloadend = () => done(clearTimeout(timer));
			watch(3e4);
			request.send(body);
		});
		busy--;
		wake();
		run.requests.delete(request);
		const { status } = request;
		if (status || part.sent) heard.add(hostOf(url));
		part.url = null;
		if (/^2|412/.test(status)) {
			part.etag = status === 412 || request.getResponseHeader("etag");
			if (!part.etag) throw new UploadError("cors", hostOf(url) + " hides its ETag from this page");
			run.arrived++;
			limit++;
			return moved(body.size);
		}
		moved(0);
		if (!status) {
			await body.slice(0, 1).arrayBuffer().catch(() => {
				throw new UploadError("unreadable", "the file was changed or removed");
			});
			throw unreachable(url);
		}
		const code = /<Code>(\w+)/.exec(request.responseText)?.[1] ?? "error";
		const detail = "the server answered " + status + " " + code;
		throw failure(status, { detail, retryable: true });
	};

	const transfer = async () => {
		report("uploading");
		failed = null;
		const left = parts.filter((part) => !part.etag).values();
		const work = async () => {
			for (const part of left) {
				sign(parts[part.partNumber + run.parallel]).catch(() => {});
				while (!part.etag && !failed)
					await attempt(run, (turn) => failed || send(part, turn)).catch((error) => interrupt(run, (failed ??= error)));
			}
		};
		await Promise.all(Array.from({ length: run.parallel }, work));
		await signing?.catch(() => {});
		if (failed) throw failed;
	};

	const arrange = (stored) => {
		const { partSize = file.size, partCount: length = 1 } = upload.multipart ?? {};
		parts = Array.from({ length }, (_, n) => {
			const body = file.slice(n * partSize, (n + 1) * partSize);
			const etag = (parts[n]?.etag ?? stored[n + 1]) === stored[n + 1] && stored[n + 1];
			return { partNumber: n + 1, body, etag, sent: etag ? body.size : 0 };
		});
		keep(upload);
	};
	const look = async () => {
		const stored = {};
		let after = "";
		do {
			upload = await api("GET", "?include=parts" + after);
			const { stored: page = [], next } = upload.multipart ?? {};
			for (const { partNumber, etag } of page) stored[partNumber] = etag;
			after = next && "&after=" + next;
		} while (after);
		arrange(stored);
	};

	const granted = async () => {
		const [{ status, problem, upload }] = await (ask?.() ?? grants([file], options, run));
		ask = null;
		if (problem) throw failure(status, problem);
		return upload;
	};

	const begin = async () => {
		while (!run.ended && (run.paused || !(filling ||= open.size < 26))) await woken();
		filling = open.add(run).size < 50;
		for (let rounds = 0; ; rounds++) {
			upload = {};
			if (task.id)
				await look().catch((error) => {
					if (!isMended(error)) throw error;
				});
			const { status, size = file.size, contentType = typeOf(file) } = upload;
			if (size !== file.size || contentType !== typeOf(file)) throw new UploadError("different_file", "this is another file");
			if (status === "ready") {
				parts[0].sent = file.size;
				return upload.file;
			}
			if (status !== "pending") {
				if (rounds && status && status !== "expired") throw over(status);
				report("granting");
				upload = await attempt(run, granted);
				task.id = upload.id;
				const { request, multipart, confirm, ...record } = upload;
				onGrant?.(record, file);
				parts = [];
				arrange({});
			}
			try {
				await transfer();
				report("confirming");
				return await api("POST", "/confirm", upload.multipart && { parts: parts.map(({ partNumber, etag }) => ({ partNumber, etag })) });
			} catch (error) {
				if (!isMended(error) || rounds > 4) throw error;
				await backOff(run, rounds);
			}
		}
	};

	const task = Object.assign(new Promise((...both) => (settle = both)), {
		id: options.resume,
		pause() {
			run.paused = true;
			open.delete(run);
			interrupt(run);
		},
		resume() {
			run.paused = false;
			wake();
		},
		cancel() {
			run.ended = over("cancelled");
			interrupt(run);
			settle[1](run.ended);
		},
	});
	signal?.addEventListener("abort", task.cancel);
	if (signal?.aborted) task.cancel();
	begin()
		.then((record) => report("done") ?? record)
		.finally(() => {
			open.delete(run);
			wake();
			signal?.removeEventListener("abort", task.cancel);
			if (run.ended && task.id) call(newRun(options), "DELETE", "/" + task.id).catch(() => {});
			run.ended = true;
		})
		.then(...settle);
	return task;
};

export const uploadAll = (files, options) => {
	let lot;
	return [...files].map((file) => {
		const task = upload(file, { ...options, resume: null }, async () => {
			const mine = (lot ??= []);
			const n = mine.push(file) - 1;
			lot = await null;
			return [(await (mine.grants ??= grants(mine, options)))[n]];
		});
		task.catch(() => {});
		return task;
	});
};
