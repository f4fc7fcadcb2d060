// A program as a user of the API writes it, with the types that openapi-typescript makes of docs/openapi.json: it uploads a file, confirms it,
// finds it in the list, and deletes it. Every misspelled member or path is a compile error; that is what it is here to prove.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type File = components["schemas"]["File"];

const [base, token] = process.argv.slice(2);
if (!base || !token) throw new Error("which API, and with which token?");
const api = createClient<paths>({ baseUrl: base, headers: { authorization: `Bearer ${token}` } });

async function upload(content: Uint8Array<ArrayBuffer>): Promise<File> {
  const granted = await api.POST("/v1/uploads", {
    params: { header: { "Idempotency-Key": crypto.randomUUID() } },
    body: { filename: "typed.pdf", contentType: "application/pdf", size: content.length },
  });
  if (granted.error) throw new Error(JSON.stringify(granted.error));
  const { id, request } = granted.data;
  if (!request) throw new Error("there is nothing to send");
  const put = await fetch(request.url, { method: request.method, headers: request.headers, body: content });
  if (!put.ok) throw new Error(`S3 answered ${put.status}`);
  const confirmed = await api.POST("/v1/uploads/{id}/confirm", { params: { path: { id } } });
  if (confirmed.error) throw new Error(JSON.stringify(confirmed.error));
  if (!("fileUrl" in confirmed.data)) throw new Error("a file of one PUT is never put together");
  return confirmed.data;
}

const content = new TextEncoder().encode("%PDF-1.7\n% typed");
const file = await upload(content);
if ((await (await fetch(file.fileUrl)).text()) !== "%PDF-1.7\n% typed") throw new Error("another file is served");

const page = await api.GET("/v1/files", { params: { query: { limit: 10 } } });
if (!page.data?.items.some((item) => item.id === file.id)) throw new Error("it is not listed");

const url = await api.GET("/v1/files/{id}/url", { params: { path: { id: file.id } } });
if (url.data?.url !== file.fileUrl) throw new Error("it has two addresses");

const batch = await api.POST("/v1/uploads/batch", {
  body: { items: [{ filename: "a.png", contentType: "image/png", size: 0 }, { filename: "b.png", contentType: "image/png", size: 1 }] },
});
const codes = batch.data?.items.map((item) => item.problem?.code ?? item.upload?.status);
if (codes?.join() !== "invalid_request,pending") throw new Error(`the batch answered ${codes}`);

const deleted = await api.DELETE("/v1/files/{id}", { params: { path: { id: file.id } } });
if (deleted.response.status !== 204) throw new Error(`deleting answered ${deleted.response.status}`);

const gone = await api.GET("/v1/files/{id}", { params: { path: { id: file.id } } });
// Which codes there are is part of the type; "mesage" would not compile, and neither would another code.
if (!gone.error || !("code" in gone.error) || gone.error.code !== "not_found") throw new Error("it is still there");
console.log(`uploaded, confirmed, listed and deleted ${file.id}`);
