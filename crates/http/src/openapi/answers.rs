//! What a route answers with: what was asked for, or one of its problems, with the status and code that the code gives them. API
//! Gateway's own refusals are among them.

use crate::{Problem, Wording};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use valet_core::Error;
use valet_core::error::{StoreError, StoreErrorKind};
use valet_core::upload::RejectReason;

/// Headers that several answers share.
pub(super) fn headers() -> Value {
    json!({
        "CacheControl": {
            "description": "Answers hold signed URLs and private names.",
            "required": true,
            "schema": {"type": "string", "const": "no-store"},
        },
        "ContentTypeOptions": {"required": true, "schema": {"type": "string", "const": "nosniff"}},
        "RetryAfter": {
            "description": "Seconds after which the same request may succeed.",
            "schema": {"type": "integer", "minimum": 1},
        },
        "WwwAuthenticate": {"schema": {"type": "string"}},
    })
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

fn own_headers() -> Value {
    json!({"Cache-Control": header("CacheControl"), "X-Content-Type-Options": header("ContentTypeOptions")})
}

/// An answer with a body of this schema.
pub(super) fn json_answer(description: &str, schema: &str, example: Value) -> Value {
    let mut content = json!({"schema": {"$ref": format!("#/components/schemas/{schema}")}});
    content["example"] = example;
    json!({"description": description, "headers": own_headers(), "content": {"application/json": content}})
}

/// The same, which says when to ask again.
pub(super) fn json_answer_for_now(description: &str, schema: &str, example: Value) -> Value {
    let mut answer = json_answer(description, schema, example);
    answer["headers"]["Retry-After"] = header("RetryAfter");
    answer
}

/// An answer without a body.
pub(super) fn empty_answer(description: &str) -> Value {
    json!({"description": description, "headers": own_headers()})
}

/// What may go wrong on every route beside what is its own: the answer's name, its status, the problems that a function tells, and what API
/// Gateway says before any function is asked or in its place.
fn everywhere() -> Vec<(&'static str, u16, Vec<Problem>, &'static str)> {
    let transient = Problem::Core(store(StoreErrorKind::Transient));
    let permanent = Problem::Core(store(StoreErrorKind::Permanent));
    vec![
        ("Unauthorized", 401, vec![Problem::Unauthenticated], "Unauthorized"),
        ("Forbidden", 403, Vec::new(), "Forbidden"),
        ("TooManyRequests", 429, Vec::new(), "Too Many Requests"),
        ("InternalServerError", 500, vec![Problem::Panicked, permanent], "Internal Server Error"),
        ("ServiceUnavailable", 503, vec![Problem::TimedOut, transient], "Service Unavailable"),
    ]
}

/// Those answers, by name.
pub(super) fn shared() -> Value {
    let answers = everywhere().into_iter().map(|(name, _, problems, message)| {
        let mut answer = match problems.as_slice() {
            [] => json!({"description": format!("{message}: API Gateway's answer.")}),
            problems => of_problems(problems),
        };
        refused_by_gateway(&mut answer, message);
        (name.to_owned(), answer)
    });
    Value::Object(answers.collect())
}

/// Adds that API Gateway answers with this status too, without any header of ours.
fn refused_by_gateway(answer: &mut Value, message: &str) {
    answer["content"]["application/json"] = json!({
        "schema": {"$ref": "#/components/schemas/GatewayRefusal"},
        "example": {"message": message},
    });
    if let Some(headers) = answer.get_mut("headers").and_then(Value::as_object_mut) {
        headers.retain(|name, _| name == "Retry-After" || name == "WWW-Authenticate");
    }
}

fn store(kind: StoreErrorKind) -> Error {
    Error::Store(StoreError { operation: "PutItem", kind, source: "only its kind matters".into() })
}

/// Every way a file that arrived can be refused.
pub(super) fn rejections() -> Vec<Error> {
    let reasons = [RejectReason::Size, RejectReason::Checksum, RejectReason::Content, RejectReason::Headers];
    reasons.into_iter().map(Error::Rejected).collect()
}

/// The answers to what goes wrong, by status. `has_body` says that a request may be too large, `has_id` that its path may be none.
pub(super) fn problems(own: Vec<Error>, has_body: bool, has_id: bool) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    for problem in own.into_iter().map(Problem::Core) {
        by_status.entry(problem.status().as_u16()).or_default().push(problem);
    }
    let mut answers: Map<String, Value> = by_status
        .into_iter()
        .map(|(status, problems)| (status.to_string(), of_problems(&problems)))
        .collect();
    if has_id && let Some(answer) = answers.get_mut("404") {
        refused_by_gateway(answer, "Not Found");
    }
    if has_body {
        let answer = answers
            .entry("413")
            .or_insert_with(|| json!({"description": "The request is too large for API Gateway."}));
        refused_by_gateway(answer, "Request Entity Too Large");
    }
    for (name, status, _, message) in everywhere() {
        if let Some(own) = answers.get_mut(&status.to_string()) {
            refused_by_gateway(own, message);
        } else {
            let shared = json!({"$ref": format!("#/components/responses/{name}")});
            answers.insert(status.to_string(), shared);
        }
    }
    answers
}

/// One answer that tells any of these problems, which share a status.
fn of_problems(problems: &[Problem]) -> Value {
    let mut codes: Vec<_> = problems.iter().map(Problem::code).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut headers = own_headers();
    if problems.iter().any(|problem| problem.retry_after().is_some()) {
        headers["Retry-After"] = header("RetryAfter");
    }
    if problems.iter().any(|problem| matches!(problem, Problem::Unauthenticated)) {
        headers["WWW-Authenticate"] = header("WwwAuthenticate");
    }
    let first = &problems[0];
    let examples: Map<String, Value> = problems
        .iter()
        .map(|problem| {
            (problem.code().to_owned(), json!({"value": problem.body(Wording::Api, "JKJaXmPLvHcESHA=")}))
        })
        .collect();
    json!({
        "description": format!("{}: {}.", first.status().canonical_reason().unwrap_or("Error"), codes.join(", ")),
        "headers": headers,
        "content": {"application/problem+json": {
            "schema": {"allOf": [
                {"$ref": "#/components/schemas/Problem"},
                {
                    "type": "object",
                    "properties": {
                        "status": {"type": "integer", "const": first.status().as_u16()},
                        "code": {"type": "string", "enum": codes},
                    },
                },
            ]},
            "examples": examples,
        }},
    })
}
