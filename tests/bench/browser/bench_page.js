// Both uploaders with the same file, API and token. All of a module is loaded before the clock starts.
import { upload } from "/uploader.js";
import { AwsS3, Uppy } from "/uppy.js";

const withUppy = (file, api, token, options) =>
  new Promise((resolve, reject) => {
    const uppy = new Uppy();
    uppy.use(AwsS3, { endpoint: api, headers: { authorization: `Bearer ${token}` }, ...options });
    uppy.on("upload-success", resolve);
    uppy.on("upload-error", (_, error) => reject(error));
    uppy.addFile({ name: file.name, type: file.type, data: file });
    uppy.upload();
  });

const uploads = {
  "uploader.js": (file, api, token) => upload(file, { api, token }),
  "Uppy 5, in parts": (file, api, token) => withUppy(file, api, token, { shouldUseMultipart: true }),
  "Uppy 5, one request": (file, api, token) => withUppy(file, api, token, {}),
};

const isListed = async (api, token) => {
  const answer = await fetch(`${api}/v1/files?limit=1`, { headers: { authorization: `Bearer ${token}` } });
  return (await answer.json()).items.length > 0;
};

/** Milliseconds until the uploader says that it is done, and until the file is verified and can be served. */
window.measure = async (name, isReadyThen, api, token) => {
  const [file] = document.querySelector("input").files;
  const began = performance.now();
  await uploads[name](file, api, token);
  const said = performance.now() - began;
  while (!isReadyThen && !(await isListed(api, token)));
  return { said, ready: performance.now() - began };
};
window.isLoaded = true;
