// What a page with Uppy holds, and what it notes of it for the tests. It must never patch Uppy or stand between it and the server.

/** Makes window.uppy. `mode` is "endpoint" (3 to 5), "companion" or "sign" (6). */
export async function begin({ module, major, mode, api, token, meta, retriever, parallel }) {
  const { Uppy, AwsS3, GoldenRetriever } = await import(module);
  const authorization = `Bearer ${token}`;
  // From 100 MB on it would be by itself; parts are what is to be seen.
  const shared = { shouldUseMultipart: (file) => file.size > 5 * 2 ** 20, ...(parallel && { limit: parallel }) };
  const options = {
    3: () => ({ companionUrl: api, companionHeaders: { authorization } }),
    4: () => ({ endpoint: api, headers: { authorization } }),
    5: () => ({ endpoint: api, headers: { authorization } }),
    6: async () => (mode === "sign" ? { signRequest: (request) => sign(api, authorization, request) } : { companionEndpoint: await session(api, authorization) }),
  };
  const uppy = new Uppy({ id: "tests", autoProceed: false });
  uppy.use(AwsS3, { ...shared, ...(await options[major]()) });
  if (retriever) uppy.use(GoldenRetriever, { indexedDB: { maxFileSize: 1e8, maxTotalSize: 1e8 } });
  window.uppy = uppy;
  window.notes = { parts: [], progress: [], succeeded: [], failed: [], restored: false };
  uppy.on("s3-multipart:part-uploaded", (_, { PartNumber }) => notes.parts.push(PartNumber));
  uppy.on("upload-progress", (_, { bytesUploaded }) => notes.progress.push(bytesUploaded));
  uppy.on("upload-success", (file) => notes.succeeded.push(file.name));
  uppy.on("upload-error", (_, error) => notes.failed.push(error.message));
  uppy.on("restored", () => (notes.restored = true));
  const input = document.createElement("input");
  Object.assign(input, { type: "file", multiple: true });
  document.body.append(input);
  input.onchange = () => {
    for (const file of input.files) uppy.addFile({ name: file.name, type: file.type, data: file, ...(meta && { meta: { size: file.size } }) });
    // What it comes to is in the notes.
    uppy.upload().catch(() => {});
  };
}

async function session(api, authorization) {
  const answer = await fetch(`${api}/v1/uppy-sessions`, { method: "POST", headers: { authorization } });
  return (await answer.json()).endpoint;
}

// As in docs/UPPY.md.
async function sign(api, authorization, request) {
  const answer = await fetch(`${api}/s3/sign`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.message);
  return said;
}
