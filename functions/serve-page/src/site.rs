//! What is served, with the headers of each, made once at the start. It must never hold anything that is not public.

use crate::config::Config;
use crate::policy::content_security_policy;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("../../../web/index.html");
const TUTORIAL: &str = include_str!("../../../web/tutorial.html");
const UPLOADER: &str = include_str!("../../../web/uploader.js");

/// One file of the page.
pub(crate) struct Document {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
    /// Changes with the body and the policy, so that nobody keeps an old policy with a body that is the same.
    pub(crate) etag: String,
    /// What a browser lets the page do. Only pages have one.
    pub(crate) policy: Option<String>,
}

/// Every file of the page.
pub(crate) struct Site(Vec<Document>);

impl Site {
    /// The files, told of this stack.
    pub(crate) fn new(config: &Config) -> Self {
        let page = |path, html: &str| {
            document(
                path,
                "text/html; charset=utf-8",
                html.to_owned(),
                Some(content_security_policy(html, config)),
            )
        };
        Self(vec![
            page("/", PAGE),
            page("/tutorial", TUTORIAL),
            document("/uploader.js", "text/javascript; charset=utf-8", UPLOADER.to_owned(), None),
            document("/config.json", "application/json", told(config), None),
        ])
    }

    /// The file at a path.
    pub(crate) fn at(&self, path: &str) -> Option<&Document> {
        self.0.iter().find(|document| document.path == path)
    }
}

fn document(
    path: &'static str,
    content_type: &'static str,
    body: String,
    policy: Option<String>,
) -> Document {
    let mut content = Sha256::new();
    content.update(&body);
    content.update(policy.as_deref().unwrap_or_default());
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(content.finalize()));
    Document { path, content_type, body, etag, policy }
}

/// What the page has to know: whom to ask for what, and how to sign in.
fn told(config: &Config) -> String {
    let Config { api_url, issuer, client_id, audience, scope, .. } = config;
    json!({"api": api_url, "issuer": issuer, "clientId": client_id, "audience": audience, "scope": scope})
        .to_string()
}
