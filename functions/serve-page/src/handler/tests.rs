//! Real events in, pages out.

use super::*;
use crate::config::Config;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use valet_http::testing::{header, request, status_and_json};

fn site() -> Site {
    let config = Config::from_lookup(|name| {
        let value = match name {
            "SERVICE" => "valet",
            "API_BASE_URL" => "https://api.example.com",
            "ISSUER" => "https://issuer.example.com/pool",
            "CLIENT_ID" => "page",
            "SCOPE" => "valet/files",
            "LOGIN_URL" => "https://login.example.com",
            "CDN_URL" => "https://files.example.com",
            "BUCKET_URL" => "https://bucket.s3.eu-central-1.amazonaws.com",
            _ => return None,
        };
        Some(value.to_owned())
    });
    Site::new(&config.unwrap())
}

fn send(method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut event: Value = serde_json::from_str(include_str!("../../../../events/serve-page.json")).unwrap();
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["requestContext"]["http"]["method"] = method.into();
    for (name, value) in headers {
        event["headers"][*name] = (*value).into();
    }
    respond(&site(), &request(event))
}

fn body(response: &Response<Body>) -> &str {
    std::str::from_utf8(response.body().as_ref()).unwrap()
}

/// Sources that a directive of the policy names.
fn sources<'a>(response: &'a Response<Body>, directive: &str) -> Vec<&'a str> {
    let policy = header(response, "content-security-policy").unwrap();
    let found = policy.split("; ").find_map(|part| part.strip_prefix(directive)).unwrap();
    found.split_whitespace().collect()
}

#[test]
fn each_file_is_served_as_what_it_is() {
    for (path, content_type, part) in [
        ("/", "text/html; charset=utf-8", "from \"./uploader.js\""),
        ("/tutorial", "text/html; charset=utf-8", "/get-upload-url"),
        ("/uploader.js", "text/javascript; charset=utf-8", "export"),
        ("/config.json", "application/json", "https://api.example.com"),
    ] {
        let response = send("GET", path, &[]);
        assert_eq!(
            (response.status(), header(&response, "content-type")),
            (StatusCode::OK, Some(content_type)),
            "{path}"
        );
        assert!(body(&response).contains(part), "{path}");
    }
}

#[test]
fn the_page_is_told_whom_to_ask_and_how_to_sign_in() {
    let (_, told) = status_and_json(&send("GET", "/config.json", &[]));
    let expected = json!({
        "api": "https://api.example.com", "issuer": "https://issuer.example.com/pool", "clientId": "page", "audience": null,
        "scope": "valet/files",
    });
    assert_eq!(told, expected);
}

#[test]
fn the_policy_names_the_script_and_the_style_of_the_page_by_their_hashes() {
    for path in ["/", "/tutorial"] {
        let response = send("GET", path, &[]);
        for (element, directive) in [("script", "script-src "), ("style", "style-src ")] {
            // Another way than the code's to the same text, which a page has once.
            let html = body(&response);
            let from = html.find(&format!("<{element}")).unwrap();
            let from = from + html[from..].find('>').unwrap() + 1;
            let to = html.rfind(&format!("</{element}>")).unwrap();
            let hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(&html[from..to])));
            assert!(sources(&response, directive).contains(&hash.as_str()), "{path}: {element}");
        }
        let policy = header(&response, "content-security-policy").unwrap();
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn text_of_a_page_never_becomes_markup_and_no_page_may_be_framed() {
    for path in ["/", "/tutorial"] {
        let response = send("GET", path, &[]);
        assert_eq!(sources(&response, "require-trusted-types-for "), ["'script'"], "{path}");
        for directive in ["trusted-types ", "default-src ", "base-uri ", "form-action ", "frame-ancestors "] {
            assert_eq!(sources(&response, directive), ["'none'"], "{path}: {directive}");
        }
    }
}

#[test]
fn the_page_may_talk_to_the_api_the_login_and_the_bucket_alone() {
    let response = send("GET", "/", &[]);
    let talks_to = [
        "'self'",
        "https://api.example.com",
        "https://issuer.example.com",
        "https://bucket.s3.eu-central-1.amazonaws.com",
        "https://login.example.com",
    ];
    assert_eq!(sources(&response, "connect-src "), talks_to);
    assert_eq!(sources(&response, "img-src "), ["'self'", "https://files.example.com", "blob:", "data:"]);
    assert_eq!(sources(&response, "default-src "), ["'none'"]);
    assert_eq!(sources(&response, "frame-ancestors "), ["'none'"]);
}

#[test]
fn what_is_no_page_allows_nothing() {
    for path in ["/config.json", "/uploader.js", "/nowhere"] {
        let response = send("GET", path, &[]);
        assert_eq!(
            header(&response, "content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'"),
            "{path}"
        );
    }
}

#[test]
fn a_browser_that_has_the_file_is_not_sent_it_again() {
    let etag = header(&send("GET", "/", &[]), "etag").unwrap().to_owned();
    for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let response = send("GET", "/", &[("if-none-match", &known)]);
        assert_eq!((response.status(), body(&response)), (StatusCode::NOT_MODIFIED, ""), "{known}");
        assert_eq!(header(&response, "etag"), Some(etag.as_str()));
        // A browser takes over the headers of this answer.
        assert!(sources(&response, "script-src ").len() > 1);
    }
    let other = send("GET", "/", &[("if-none-match", "\"other\"")]);
    assert_eq!(other.status(), StatusCode::OK);
}

#[test]
fn no_two_files_have_one_etag() {
    let mut etags = Vec::new();
    for path in ["/", "/tutorial", "/uploader.js", "/config.json"] {
        etags.push(header(&send("GET", path, &[]), "etag").unwrap().to_owned());
    }
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 4);
}

#[test]
fn every_answer_carries_what_guards_it() {
    for (method, path) in [("GET", "/"), ("GET", "/config.json"), ("GET", "/nowhere"), ("POST", "/")] {
        let response = send(method, path, &[]);
        // Spelt out, as the code's own list would agree with itself whatever it says.
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-cache"),
            ("x-robots-tag", "noindex"),
            ("strict-transport-security", "max-age=63072000"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(header(&response, name), Some(value), "{method} {path}");
        }
    }
}

#[test]
fn a_head_is_answered_like_a_get_without_its_body() {
    let (get, head) = (send("GET", "/", &[]), send("HEAD", "/", &[]));
    assert_eq!((head.status(), head.headers()), (get.status(), get.headers()));
    assert_eq!(body(&head), "");
}

#[test]
fn what_is_not_there_is_not_found_whatever_its_name() {
    for path in ["/nowhere", "/index.html", "//", "/..", "/config.json/", "/%2e%2e/template.yaml", ""] {
        let response = send("GET", path, &[]);
        assert_eq!(
            (response.status(), body(&response)),
            (StatusCode::NOT_FOUND, "There is no such page here.\n"),
            "{path}"
        );
    }
}

#[test]
fn nothing_but_reading_is_allowed() {
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let response = send(method, "/", &[]);
        assert_eq!(
            (response.status(), header(&response, "allow")),
            (StatusCode::METHOD_NOT_ALLOWED, Some("GET, HEAD"))
        );
    }
}
