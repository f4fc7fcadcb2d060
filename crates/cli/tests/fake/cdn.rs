//! The fake's CDN: verified files alone.

use super::Stack;
use super::http::{Request, Response};

impl Stack {
    pub(super) fn cdn(&self, path: &str, request: &Request) -> Response {
        if super::plain(request) && !self.lacks("https-cdn") {
            return Response::new(301).with("location", "https://cdn.example/");
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Response::new(if self.lacks("cdn-write") { 200 } else { 403 });
        }
        if path.starts_with("/thumbnails/") {
            return Response::new(200).body(b"\xff\xd8\xff\xe0");
        }
        let state = self.state();
        let upload = state.uploads.values().find(|upload| upload.key == path);
        let Some(object) = state.objects.get(path) else {
            let listing = path.ends_with('/') && self.lacks("cdn-list");
            let invented = !path.ends_with('/') && upload.is_none() && self.lacks("cdn-unknown");
            return Response::new(if listing || invented { 200 } else { 403 });
        };
        let served = match upload.map_or("", |upload| upload.status) {
            "pending" => self.lacks("cdn-unverified"),
            "cancelled" => self.lacks("cdn-cancelled"),
            "deleted" => self.lacks("delete-cdn"),
            status => status == "ready",
        };
        if !served {
            return Response::new(403);
        }
        let content_type = if request.query.is_empty() || !self.lacks("cdn-query") {
            object.content_type.as_str()
        } else {
            "text/html"
        };
        let body = if self.lacks("served") && content_type == "image/png" {
            &object.body[1..]
        } else {
            &object.body[..]
        };
        let image = content_type == "image/png";
        let range = request.header("range");
        self.ranges.lock().unwrap().push(range.to_owned());
        let (status, body) = part(range, body).map_or((200, body), |part| (206, part));
        let response = Response::new(status).with("content-type", content_type).body(body);
        let response = response.with("content-security-policy", "default-src 'none'; sandbox");
        let response = if image && self.lacks("image-headers") {
            response
        } else {
            response.with("x-content-type-options", "nosniff")
        };
        if image || self.lacks("download-headers") {
            response
        } else {
            response.with("content-disposition", "attachment")
        }
    }
}

/// What a range asks for; none for what is no range.
fn part<'a>(range: &str, body: &'a [u8]) -> Option<&'a [u8]> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = to.parse().map_or(body.len(), |to: usize| body.len().min(to + 1));
    body.get(from.parse().ok()?..end)
}
