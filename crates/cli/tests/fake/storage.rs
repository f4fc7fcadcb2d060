//! The fake's S3: a signature is good for what it was made for.

use super::api::crc;
use super::http::{Request, Response};
use super::{Object, Signed, Stack, State, cors, plain};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

fn error(status: u16, code: &str) -> Response {
    Response::new(status).body(format!("<Error><Code>{code}</Code></Error>"))
}

fn denied() -> Response {
    error(403, "AccessDenied")
}

impl Stack {
    pub(super) fn storage(&self, request: &Request) -> Response {
        let response = if request.method == "OPTIONS" {
            Response::new(200)
        } else if plain(request) && !self.lacks("https-s3") {
            denied()
        } else {
            self.object(request)
        };
        cors(self.lacks("cors-s3"), request, response)
    }

    fn object(&self, request: &Request) -> Response {
        let number =
            request.query.strip_prefix("partNumber=").and_then(|rest| rest.split('&').next()?.parse().ok());
        let stuck = || number.is_some_and(|number: usize| number >= self.stuck_from.load(Ordering::Relaxed));
        if stuck() {
            while stuck() {
                thread::sleep(Duration::from_millis(20));
            }
            return error(500, "InternalError");
        }
        let mut state = self.state();
        let Some((_, signature)) = request.query.split_once("X-Amz-Signature=") else {
            return self.unsigned(&mut state, request);
        };
        let State { signed, uploads, objects } = &mut *state;
        let Some(signed) = signed.get(signature) else { return denied() };
        if let Some(refusal) = self.refused(signed, request) {
            return refusal;
        }
        let upload = uploads.get_mut(&signed.upload).unwrap();
        if let Some(part) = signed.part {
            if upload.status != "pending" && !self.lacks("part-cancelled") {
                return error(404, "NoSuchUpload");
            }
            let claimed = request.header("x-amz-checksum-crc64nvme");
            if !claimed.is_empty() && claimed != crc(&request.body) && !self.lacks("part-hash") {
                return error(400, "BadDigest");
            }
            upload.parts.insert(part, request.body.clone());
            return Response::new(200).with("etag", "\"part\"");
        }
        let key = request.path["/bucket".len()..].to_owned();
        if objects.contains_key(&key) && !self.lacks("put-again") {
            return error(412, "PreconditionFailed");
        }
        let hash = STANDARD.encode(Sha256::digest(&request.body));
        let claimed = request.header("x-amz-checksum-sha256");
        if !claimed.is_empty() && claimed != hash && !self.lacks("put-hash") {
            return error(400, "BadDigest");
        }
        let object = Object {
            body: request.body.clone(),
            content_type: request.header("content-type").into(),
            encoding: request.header("content-encoding").into(),
        };
        objects.insert(key, object);
        Response::new(200).with("etag", "\"whole\"")
    }

    /// What a signature does not cover.
    fn refused(&self, signed: &Signed, request: &Request) -> Option<Response> {
        let mismatch = || Some(error(403, "SignatureDoesNotMatch"));
        if request.method != "PUT" {
            return if self.lacks("put-only") { Some(Response::new(200)) } else { mismatch() };
        }
        if request.path != signed.path {
            let tricky =
                request.path.contains("..") || request.path.contains("%2e") || request.path.contains("//");
            if !self.lacks(if tricky { "put-path-tricks" } else { "put-other-key" }) {
                return mismatch();
            }
        }
        if request.query != signed.query {
            let check = if request.query.contains("X-Amz-Expires=604800") {
                "put-longer-lived"
            } else {
                "part-number"
            };
            if !self.lacks(check) {
                return mismatch();
            }
        }
        if Instant::now() > signed.ends && !self.lacks("expired") {
            return Some(error(403, "AccessDenied"));
        }
        let length_free = match (signed.part, request.body.len() > signed.length) {
            (Some(_), _) => self.lacks("part-length"),
            (None, true) => self.lacks("put-larger"),
            (None, false) => self.lacks("put-smaller"),
        };
        if request.body.len() != signed.length && !length_free {
            return mismatch();
        }
        for (name, value) in &signed.headers {
            let sent = request.header(name);
            let free = match (name.as_str(), sent) {
                ("content-type", _) => self.lacks("put-type"),
                ("if-none-match", "") => self.lacks("put-no-precondition"),
                ("cache-control", "") => self.lacks("put-header-missing"),
                ("cache-control", _) => self.lacks("put-header-changed"),
                ("x-amz-checksum-sha256", _) => self.lacks("put-hash-changed"),
                _ => false,
            };
            if sent != value && !free {
                return mismatch();
            }
        }
        let unsigned = request
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-amz-") && !signed.headers.contains_key(name));
        for (name, _) in unsigned {
            let check = match name.as_str() {
                "x-amz-acl" => "put-amz-acl",
                "x-amz-tagging" => "put-amz-tagging",
                _ => "put-amz-meta",
            };
            if !self.lacks(check) {
                return Some(denied());
            }
        }
        None
    }

    fn unsigned(&self, state: &mut State, request: &Request) -> Response {
        let open = match (request.method.as_str(), request.query.as_str()) {
            ("GET" | "HEAD", "") => self.lacks("s3-read"),
            ("GET", "policy" | "acl" | "cors") => self.lacks("s3-settings"),
            ("GET", _) => self.lacks("s3-list"),
            _ => self.lacks("s3-write"),
        };
        if !open {
            return denied();
        }
        if request.method == "PUT" {
            let object =
                Object { body: request.body.clone(), content_type: String::new(), encoding: String::new() };
            state.objects.insert(request.path["/bucket".len()..].into(), object);
        }
        Response::new(200)
    }
}
