//! The fake's API: the contract's routes, as far as the probe asks.

use super::http::{Request, Response};
use super::{LARGEST, Object, PART_SIZE, Signed, Stack, State, URL_SECONDS, Upload, cors, plain, signature};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crc_fast::{CrcAlgorithm, checksum};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

const TYPES: [(&str, &str); 2] = [("image/png", "png"), ("application/pdf", "pdf")];

fn problem(status: u16, code: &str) -> Response {
    json_response(status, &json!({"code": code, "status": status}))
}

/// Counted over, as there is nobody to race with; no limit to the bytes.
fn usage(state: &State, owner: &str) -> Response {
    let of = |statuses: &[&str]| {
        let held = state.uploads.values();
        held.filter(|upload| upload.owner == owner && statuses.contains(&upload.status)).collect::<Vec<_>>()
    };
    let held = of(&["pending", "ready"]);
    let bytes: usize = held.iter().map(|upload| upload.size).sum();
    json_response(
        200,
        &json!({"files": {"used": held.len(), "limit": 10_000}, "bytes": {"used": bytes},
            "pending": {"used": of(&["pending"]).len(), "limit": 100}, "grantsPerMinute": {"used": 0, "limit": 600}}),
    )
}

fn json_response(status: u16, value: &Value) -> Response {
    Response::new(status).with("content-type", "application/json").body(value.to_string())
}

impl Stack {
    pub(super) fn api(&self, here: &str, path: &str, request: &Request) -> Response {
        if plain(request) && !self.lacks("https-api") {
            return Response::new(403);
        }
        let response = match (request.method.as_str(), self.caller(request)) {
            ("OPTIONS", _) => Response::new(204),
            (_, None) => json_response(401, &json!({"message": "Unauthorized"})),
            (_, Some(owner)) => self.route(here, path, request, &owner),
        };
        let response =
            if self.lacks("no-store") { response } else { response.with("cache-control", "no-store") };
        cors(self.lacks("cors-api"), request, response)
    }

    fn caller(&self, request: &Request) -> Option<String> {
        let Some(token) = request.header("authorization").strip_prefix("Bearer ") else {
            return self.lacks("token-none").then(|| "nobody".into());
        };
        let parts: Vec<&str> = token.split('.').collect();
        let [head, claims, mac] = parts[..] else {
            return self.lacks("token-garbage").then(|| "nobody".into());
        };
        let read =
            |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let believed = match read(head)["alg"].as_str() {
            Some("none") => self.lacks("token-unsigned"),
            _ => mac == signature(&format!("{head}.{claims}")) || self.lacks("token-forged"),
        };
        believed.then(|| read(claims)["sub"].as_str().unwrap().to_owned())
    }

    fn route(&self, here: &str, path: &str, request: &Request, owner: &str) -> Response {
        let mut state = self.state();
        let steps: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method.as_str(), &steps[..]) {
            ("GET", ["v1", "limits"]) => limits(),
            ("GET", ["v1", "usage"]) => usage(&state, owner),
            ("POST", ["v1", "uploads"]) => self.issue(here, &mut state, owner, &body),
            ("GET", ["v1", "files"]) => {
                let files =
                    state.uploads.values().filter(|upload| upload.owner == owner && upload.status == "ready");
                json_response(
                    200,
                    &json!({"items": files.map(|upload| self.file(here, upload)).collect::<Vec<_>>()}),
                )
            }
            (method, ["v1", kind @ ("uploads" | "files"), id, rest @ ..]) => {
                let visible = state.uploads.get(*id).is_some_and(|upload| {
                    upload.owner == owner
                        || self.lacks("user-pending") && upload.status == "pending"
                        || self.lacks("user-ready") && upload.status == "ready"
                });
                if !visible {
                    let leaks = self.lacks("id-unknown")
                        && Uuid::parse_str(id).is_ok()
                        && !state.uploads.contains_key(*id)
                        || self.lacks("id-tricks") && id.contains("%2f");
                    return if leaks { json_response(200, &json!({})) } else { problem(404, "not_found") };
                }
                if *kind == "files" {
                    return self.one_file(here, &mut state, method, id);
                }
                match (method, rest) {
                    ("GET", []) => {
                        let upload = &state.uploads[*id];
                        let mut view = view(upload);
                        if let (Some(size), "pending") = (upload.part_size, upload.status) {
                            let stored = upload.parts.iter().map(|(number, part)| {
                                json!({"partNumber": number, "size": part.len(), "etag": "\"part\"", "checksum": {"crc64nvme": crc(part)}})
                            });
                            let stored: Vec<Value> = stored.collect();
                            view["multipart"] = json!({"partSize": size, "partCount": upload.size.div_ceil(size), "stored": stored});
                        }
                        if upload.status == "ready" {
                            view["file"] = self.file(here, upload);
                        }
                        json_response(200, &view)
                    }
                    ("POST", ["url"]) if state.uploads[*id].status != "pending" => {
                        problem(409, "invalid_state")
                    }
                    ("POST", ["url"]) => json_response(200, &grant(here, &mut state, id)),
                    ("POST", ["parts"]) => sign_parts(here, &mut state, id, &body),
                    ("POST", ["confirm"]) => self.confirm(here, &mut state, id, &body),
                    ("DELETE", []) => cancel(&mut state, id),
                    _ => problem(404, "not_found"),
                }
            }
            _ => problem(404, "not_found"),
        }
    }

    fn issue(&self, here: &str, state: &mut State, owner: &str, wanted: &Value) -> Response {
        if let Some((status, code, detail)) = self.no_room.lock().unwrap().pop_front() {
            let told = json!({"code": code, "status": status, "detail": detail, "retryable": status == 429});
            return json_response(status, &told).with("retry-after", "0");
        }
        let content_type = wanted["contentType"].as_str().unwrap();
        let known = TYPES.iter().find(|(name, _)| *name == content_type);
        let size = wanted["size"].as_u64().unwrap();
        let Some((_, extension)) = known.or(self.lacks("type-html").then_some(&("text/html", "html"))) else {
            return problem(415, "type_not_allowed");
        };
        if size > LARGEST && !self.lacks("type-too-large") {
            return problem(413, "file_too_large");
        }
        let id = Uuid::now_v7().to_string();
        let upload = Upload {
            key: format!("/uploads/0123456789abcdef/{id}.{extension}"),
            id: id.clone(),
            owner: owner.into(),
            filename: wanted["filename"].as_str().unwrap().into(),
            content_type: content_type.into(),
            size: usize::try_from(size).unwrap(),
            sha256: wanted["checksum"]["sha256"].as_str().map(str::to_owned),
            status: "pending",
            part_size: part_size(wanted),
            parts: BTreeMap::new(),
        };
        state.uploads.insert(id.clone(), upload);
        json_response(201, &grant(here, state, &id))
    }

    fn file(&self, here: &str, upload: &Upload) -> Value {
        let lie = usize::from(self.lacks("upload") && upload.content_type == "image/png");
        let thumbnails = if self.lacks("thumbnail") {
            json!({"status": "failed", "reason": "decoder_failed"})
        } else {
            let url = format!("http://{here}/cdn/thumbnails/{}/small.jpg", upload.id);
            json!({"status": "ready", "items": [
                {"name": "small", "url": url, "contentType": "image/jpeg", "width": 64, "height": 48, "size": 4}]})
        };
        json!({"id": upload.id, "status": "ready", "filename": upload.filename, "size": upload.size + lie,
            "contentType": upload.content_type, "createdAt": times().0, "checksum": self.checksum(upload), "fileUrl": format!("http://{here}/cdn{}", upload.key), "thumbnails": thumbnails})
    }

    fn checksum(&self, upload: &Upload) -> Value {
        if upload.part_size.is_none() {
            return json!({"sha256": upload.sha256});
        }
        let whole: Vec<u8> = upload.parts.values().flatten().copied().collect();
        json!({"crc64nvme": if self.lacks("right-checksum") { "AAAAAAAAAAA=".into() } else { crc(&whole) }})
    }

    fn one_file(&self, here: &str, state: &mut State, method: &str, id: &str) -> Response {
        let upload = state.uploads.get_mut(id).unwrap();
        match (method, upload.status) {
            ("GET", "ready") => json_response(200, &self.file(here, upload)),
            ("GET", "deleted") if self.lacks("delete") => json_response(200, &self.file(here, upload)),
            ("DELETE", "ready" | "deleted") => {
                upload.status = "deleted";
                if !self.lacks("delete-cdn") {
                    state.objects.remove(&upload.key);
                }
                Response::new(204)
            }
            ("DELETE", "pending") => problem(409, "invalid_state"),
            _ => problem(404, "not_found"),
        }
    }

    fn confirm(&self, here: &str, state: &mut State, id: &str, body: &Value) -> Response {
        let State { uploads, objects, .. } = state;
        let upload = uploads.get_mut(id).unwrap();
        if upload.status == "pending" && upload.part_size.is_some() {
            let whole: Vec<u8> = upload.parts.values().flatten().copied().collect();
            if whole.len() != upload.size && !self.lacks("parts-missing") {
                return problem(409, "not_uploaded");
            }
            let claimed = body["checksum"]["crc64nvme"].as_str();
            if claimed.is_some_and(|claimed| claimed != crc(&whole)) && !self.lacks("parts-differ") {
                return problem(409, "parts_mismatch");
            }
            let body = if self.lacks("parts-upload") { whole[1..].to_vec() } else { whole };
            let object = Object { body, content_type: upload.content_type.clone(), encoding: String::new() };
            objects.insert(upload.key.clone(), object);
        }
        match (upload.status, objects.get(&upload.key)) {
            ("pending", None) => problem(409, "not_uploaded"),
            ("pending", Some(object)) => {
                let magic: &[u8] = if upload.content_type == "image/png" { b"\x89PNG" } else { b"%PDF" };
                let content = object.body.starts_with(magic)
                    || upload.part_size.is_some()
                    || self.lacks("cdn-rejected");
                let headers = object.encoding.is_empty() || self.lacks("put-plain-header");
                if content && headers {
                    upload.status = "ready";
                    return json_response(200, &self.file(here, upload));
                }
                upload.status = "rejected";
                objects.remove(&upload.key);
                problem(422, if content { "headers_mismatch" } else { "content_mismatch" })
            }
            ("ready", _) => json_response(200, &self.file(here, upload)),
            _ => problem(409, "invalid_state"),
        }
    }
}

fn limits() -> Response {
    let types = TYPES.map(|(name, extension)| {
        json!({"contentType": name, "extension": extension, "maxSize": LARGEST, "thumbnails": extension == "png"})
    });
    json_response(
        200,
        &json!({"types": types, "urlLifetimeSeconds": URL_SECONDS, "grantLifetimeSeconds": 3600, "multipartLifetimeSeconds": 259_200,
        "parts": {"defaultSize": PART_SIZE, "minSize": PART_SIZE, "maxSize": 5_u64 << 30, "maxCount": 10_000, "maxSigned": 500}}),
    )
}

fn cancel(state: &mut State, id: &str) -> Response {
    let upload = state.uploads.get_mut(id).unwrap();
    match upload.status {
        "ready" | "deleted" => return problem(409, "invalid_state"),
        "pending" => upload.status = "cancelled",
        _ => {}
    }
    state.objects.remove(&upload.key);
    Response::new(204)
}

fn part_size(wanted: &Value) -> Option<usize> {
    let asked = wanted["partSize"].as_u64();
    let large = wanted["size"].as_u64().unwrap() > PART_SIZE as u64;
    let part_size = asked.map_or(PART_SIZE, |size| usize::try_from(size).unwrap());
    (asked.is_some() || large).then_some(part_size)
}

fn times() -> (String, String) {
    let now = OffsetDateTime::now_utc();
    let text = |time: OffsetDateTime| time.format(&Rfc3339).unwrap();
    (text(now), text(now + time::Duration::HOUR))
}

/// An upload as every route shows it.
fn view(upload: &Upload) -> Value {
    let (now, later) = times();
    json!({"id": upload.id, "status": upload.status, "filename": upload.filename, "contentType": upload.content_type,
        "size": upload.size, "createdAt": now, "expiresAt": later})
}

pub(super) fn crc(content: &[u8]) -> String {
    STANDARD.encode(checksum(CrcAlgorithm::Crc64Nvme, content).to_be_bytes())
}

fn grant(here: &str, state: &mut State, id: &str) -> Value {
    let mut told = view(&state.uploads[id]);
    let Some(part_size) = state.uploads[id].part_size else {
        told["request"] = sign(here, state, id, None, None);
        return told;
    };
    let count = state.uploads[id].size.div_ceil(part_size);
    let parts: Vec<Value> = (1..=count).map(|number| sign(here, state, id, Some(number), None)).collect();
    told["multipart"] = json!({"partSize": part_size, "partCount": count, "parts": parts});
    told
}

fn sign_parts(here: &str, state: &mut State, id: &str, body: &Value) -> Response {
    let wanted = body["parts"].as_array().unwrap();
    let parts: Vec<Value> = wanted
        .iter()
        .map(|part| {
            let number = usize::try_from(part["partNumber"].as_u64().unwrap()).unwrap();
            sign(here, state, id, Some(number), part["checksum"]["crc64nvme"].as_str())
        })
        .collect();
    json_response(200, &json!({"id": id, "parts": parts}))
}

fn sign(here: &str, state: &mut State, id: &str, part: Option<usize>, crc: Option<&str>) -> Value {
    let upload = &state.uploads[id];
    let mut headers = BTreeMap::new();
    let mut header = |name: &str, value: &str| headers.insert(name.to_owned(), value.to_owned());
    let length = if let (Some(number), Some(size)) = (part, upload.part_size) {
        size.min(upload.size - (number - 1) * size)
    } else {
        header("content-type", &upload.content_type);
        header("cache-control", "public, max-age=31536000, immutable");
        header("if-none-match", "*");
        if let Some(sha256) = &upload.sha256 {
            header("x-amz-checksum-sha256", sha256);
        }
        upload.size
    };
    if let Some(crc) = crc {
        header("x-amz-checksum-crc64nvme", crc);
    }
    let signature = Uuid::now_v7().simple().to_string();
    let part_query = part.map_or(String::new(), |number| format!("partNumber={number}&uploadId=u&"));
    let query = format!("{part_query}X-Amz-Expires={URL_SECONDS}&X-Amz-Signature={signature}");
    let path = format!("/bucket{}", upload.key);
    let url = format!("http://{here}{path}?{query}");
    let ends = Instant::now() + Duration::from_secs(URL_SECONDS.unsigned_abs());
    let told = json!({"partNumber": part, "size": length, "method": "PUT", "url": url, "headers": headers,
        "expiresAt": (OffsetDateTime::now_utc() + time::Duration::seconds(URL_SECONDS)).format(&Rfc3339).unwrap()});
    state.signed.insert(signature, Signed { path, query, headers, length, ends, upload: id.into(), part });
    told
}
