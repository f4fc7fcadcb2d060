// Shows docs/openapi.json against one stack: the one `?api=` names, or the one of the page this lies beside. It must never load anything from
// elsewhere, nor keep a token beyond the tab.

const note = document.getElementById("note");

function say(sentence, wrong = false) {
  note.textContent = sentence;
  note.classList.toggle("wrong", wrong);
}

async function json(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return answer.json();
}

/** The base URL of the API to try, or undefined: the document can be read without one. */
async function server() {
  const asked = new URLSearchParams(location.search).get("api");
  if (asked) return new URL(asked).href.replace(/\/$/, "");
  const config = await json("/config.json").catch(() => ({}));
  return config.api;
}

try {
  const [spec, api] = await Promise.all([json("openapi.json"), server()]);
  if (api) spec.servers = [{ url: api }];
  window.SwaggerUIBundle({
    spec,
    dom_id: "#api",
    presets: [window.SwaggerUIBundle.presets.apis],
    // The validator's badge would be asked of another host.
    validatorUrl: null,
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: Boolean(api),
    supportedSubmitMethods: api ? undefined : [],
    persistAuthorization: false,
  });
  say(
    api
      ? `Requests go to ${api}. Authorize takes a token of its issuer; locally, make token prints one.`
      : "To try requests, add ?api= and the base URL of a stack that allows this page's origin.",
  );
} catch (error) {
  say(`The document cannot be shown: ${error.message}. npm's swagger-ui-dist belongs at swagger-ui/, docs/openapi.json beside this page.`, true);
}
