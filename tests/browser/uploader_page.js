// A page with uploader.js alone: what it is called with, and what it says. It must never stand between the module and the server.
import * as uploader from "/uploader.js";

const input = document.createElement("input");
Object.assign(input, { type: "file", multiple: true });
document.body.append(input);

window.notes = { progress: [], grants: [], results: [], errors: [] };
window.tasks = [];

/** Uploads what is chosen in the input; window.tasks are the tasks. */
window.begin = (options) => {
  const all = {
    ...options,
    onProgress: (progress) => notes.progress.push(progress),
    onGrant: (grant) => notes.grants.push(grant.id),
  };
  const files = [...input.files];
  window.tasks = files.length === 1 ? [uploader.upload(files[0], all)] : uploader.uploadAll(files, all);
  for (const task of tasks)
    task.then(
      (record) => notes.results.push(record),
      (error) => notes.errors.push({ name: error.name, isOurs: error instanceof uploader.UploadError, message: error.message, ...error }),
    );
};
window.isLoaded = true;
