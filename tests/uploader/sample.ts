// What a caller in TypeScript writes. It is compiled and never run; what must not compile says so.

import { upload, uploadAll, UploadError, type FileRecord, type GrantedUpload, type Phase, type Progress, type UploadTask } from "valet-uploader";

declare const file: File;
declare const list: FileList;

const task: UploadTask = upload(file, {
  api: "https://api.example",
  token: async (refused) => (refused ? "fresh" : "kept"),
  onProgress: ({ loaded, total, phase }: Progress, of: File) => console.log(of.name, loaded / total, phase satisfies Phase),
  onGrant: (granted: GrantedUpload) => localStorage.setItem(granted.id, granted.expiresAt),
  signal: new AbortController().signal,
  checksum: true,
  resume: localStorage.getItem("upload"),
  parallel: 4,
  retries: 9,
  partSize: 8 * 2 ** 20,
  fetch,
});
task.pause();
task.resume();
task.cancel();
const id: string | undefined = task.id;

try {
  const record: FileRecord = await task;
  const small: string | undefined = record.thumbnails.items.find(({ name }) => name === "small")?.url;
  console.log(id, record.fileUrl, small, record.placeholder?.color);
} catch (error) {
  if (error instanceof UploadError && error.code === "file_too_large") console.log(error.message, error.status, error.retryable, error.requestId, error.errors?.[0]?.pointer);
}

const all: PromiseSettledResult<FileRecord>[] = await Promise.allSettled(uploadAll(list, { api: "https://api.example", token: "text" }));
console.log(all.length);

// @ts-expect-error A token is needed.
upload(file, { api: "https://api.example" });
// @ts-expect-error Many files are not resumed.
uploadAll([file], { api: "", token: "", resume: "id" });
// @ts-expect-error An id is told and not set.
task.id = "id";
// @ts-expect-error There is no such phase.
const phase: Phase = "sending";
// @ts-expect-error There is no such option.
upload(file, { api: "", token: "", chunkSize: 1 });
