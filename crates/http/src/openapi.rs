//! The HTTP contract as an `OpenAPI` 3.1 document: schemas from the views, bounds from the rules, statuses and codes from the problems. It is
//! made for `docs/openapi.json` alone; no function carries it.

mod answers;
mod examples;
mod routes;
mod schemas;

use serde_json::{Map, Value, json};

/// The document, indented, with a line break at its end.
pub fn document() -> String {
    let mut text = serde_json::to_string_pretty(&value()).expect("JSON values have string keys");
    text.push('\n');
    text
}

fn value() -> Value {
    let mut paths = Map::new();
    for route in routes::all() {
        let (path, method) = (route.path, route.method);
        paths.entry(path).or_insert_with(|| json!({}))[method] = route.operation();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Valet",
            "version": "1",
            "summary": "Uploads to S3: granted, verified, served.",
            "description": "docs/API.md tells the same in prose. JSON in camelCase, times as RFC 3339 in UTC, sizes in bytes. Members and \
                parameters may be added; a client overlooks what it does not know. The routes under /s3 and /uppy, which Uppy calls by its \
                own contract, are not in this document: see docs/UPPY.md.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{
            "url": "{api}",
            "description": "The stack's output ApiUrl",
            "variables": {"api": {"default": "https://api.example.com"}},
        }],
        "security": [{"token": []}],
        "tags": [
            {"name": "uploads", "description": "Grants, and what becomes of them"},
            {"name": "files", "description": "What was verified"},
            {"name": "limits", "description": "What this stack accepts, and how much of it"},
            {"name": "tutorial", "description": "A grant of one PUT and its confirm in the words of tutorials"},
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "An access token of the stack's issuer and audience that carries its scope. The owner is its sub.",
            }},
            "schemas": schemas::all(),
            "headers": answers::headers(),
            "responses": answers::shared(),
        },
    })
}
