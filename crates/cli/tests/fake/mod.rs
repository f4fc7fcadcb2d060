//! A stack in memory with every control the probe tries, any one of which can be taken away: API, S3 and CDN on one port.

mod api;
mod cdn;
pub(crate) mod http;
mod storage;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, Response};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// Lifetimes and sizes that keep tests short.
pub(crate) const URL_SECONDS: i64 = 5;
pub(crate) const PART_SIZE: usize = 4096;
pub(crate) const LARGEST: u64 = 1_000_000;

/// A running fake.
pub(crate) struct Fake {
    /// The API's base URL.
    pub(crate) api: String,
    stack: Arc<Stack>,
}

/// What happens to a stack when the check of this id finds a hole; an empty text is a stack without holes.
pub(crate) fn without(check: &'static str) -> Fake {
    let stack = Arc::new(Stack {
        lacks: check,
        state: Mutex::default(),
        stuck_from: AtomicUsize::new(usize::MAX),
        no_room: Mutex::default(),
        ranges: Mutex::default(),
    });
    let serving = Arc::clone(&stack);
    let address = http::serve(move |here, request| serving.answer(here, request));
    Fake { api: format!("http://{address}/api"), stack }
}

impl Fake {
    /// What lies in the bucket.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.stack.state().objects.keys().cloned().collect()
    }

    /// Leaves parts from this number on without an answer.
    pub(crate) fn stick_from(&self, part: usize) {
        self.stack.stuck_from.store(part, Ordering::Relaxed);
    }

    /// Answers one more of the coming requests for a grant so, the first that was said first.
    pub(crate) fn refuse(&self, status: u16, code: &'static str, detail: &'static str) {
        self.stack.no_room.lock().unwrap().push_back((status, code, detail));
    }

    /// How many parts storage has of what is pending.
    pub(crate) fn parts(&self) -> usize {
        let state = self.stack.state();
        let pending = state.uploads.values().filter(|upload| upload.status == "pending");
        pending.map(|upload| upload.parts.len()).sum()
    }

    /// The ranges that the CDN was asked for.
    pub(crate) fn ranges(&self) -> Vec<String> {
        self.stack.ranges.lock().unwrap().clone()
    }

    /// The bytes of the one object there is.
    pub(crate) fn content(&self) -> Vec<u8> {
        let state = self.stack.state();
        let [object] = &state.objects.values().collect::<Vec<_>>()[..] else { panic!("not one object") };
        object.body.clone()
    }

    /// The uploads that are neither cancelled, rejected nor deleted.
    pub(crate) fn alive(&self) -> Vec<String> {
        let state = self.stack.state();
        let alive = |upload: &&Upload| matches!(upload.status, "pending" | "ready");
        state.uploads.values().filter(alive).map(|upload| upload.id.clone()).collect()
    }
}

pub(crate) struct Stack {
    lacks: &'static str,
    state: Mutex<State>,
    /// Parts from this number on are never answered.
    stuck_from: AtomicUsize,
    /// What the coming requests for a grant are answered.
    no_room: Mutex<VecDeque<(u16, &'static str, &'static str)>>,
    /// What the CDN was asked for of the files that it serves, in order; an empty text where it was all at once.
    ranges: Mutex<Vec<String>>,
}

#[derive(Default)]
pub(crate) struct State {
    uploads: BTreeMap<String, Upload>,
    objects: BTreeMap<String, Object>,
    signed: HashMap<String, Signed>,
}

pub(crate) struct Upload {
    id: String,
    owner: String,
    filename: String,
    content_type: String,
    size: usize,
    sha256: Option<String>,
    status: &'static str,
    key: String,
    part_size: Option<usize>,
    parts: BTreeMap<usize, Vec<u8>>,
}

pub(crate) struct Object {
    body: Vec<u8>,
    content_type: String,
    encoding: String,
}

/// What a signature is good for.
pub(crate) struct Signed {
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    length: usize,
    ends: Instant,
    upload: String,
    part: Option<usize>,
}

impl Stack {
    fn lacks(&self, check: &str) -> bool {
        self.lacks == check
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn answer(&self, here: &str, request: &Request) -> Option<Response> {
        if self.lacks("silence")
            && request.header("x-forwarded-proto") == "http"
            && request.path.starts_with("/cdn")
        {
            return None;
        }
        let path = request.path.clone();
        let (first, rest) = path[1..].split_at(path[1..].find('/').unwrap_or(path.len() - 1));
        Some(match first {
            "api" => self.api(here, rest, request),
            "bucket" => self.storage(request),
            "cdn" => self.cdn(rest, request),
            _ => Response::new(404),
        })
    }
}

/// A token this fake believes in.
pub(crate) fn token(sub: &str) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(json!({"alg": "RS256"})), part(json!({"sub": sub})));
    let signature = signature(&signed);
    format!("{signed}.{signature}")
}

fn signature(signed: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("secret {signed}")))
}

fn plain(request: &Request) -> bool {
    request.header("x-forwarded-proto") == "http"
}

/// The one origin that is allowed, or everybody's if the control is missing.
fn cors(open: bool, request: &Request, response: Response) -> Response {
    match request.header("origin") {
        "" => response,
        origin if open => response.with("access-control-allow-origin", origin),
        _ => response.with("access-control-allow-origin", "http://localhost:3000"),
    }
}
