//! Every route wants a token that the issuer made.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome, answered};
use super::super::ledger::Ledger;
use super::super::web::{Ask, NoAnswer};
use super::summary;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

pub(in super::super) const GROUP: Group = Group {
    title: "Every route wants a token",
    checks: &[
        Check { id: "token-none", title: "no token", expected: "401 on every route", run: none },
        Check {
            id: "token-garbage",
            title: "a token that is none",
            expected: "401 on every route",
            run: garbage,
        },
        Check {
            id: "token-forged",
            title: "ours with another sub",
            expected: "401 on every route",
            run: forged,
        },
        Check {
            id: "token-unsigned",
            title: "ours as alg none",
            expected: "401 on every route",
            run: unsigned,
        },
    ],
};

/// Method, path with `{id}`, and a body if it takes one.
type Route = (&'static str, &'static str, Option<Value>);

/// Every route that this stack has; those of Uppy's are told of nowhere.
pub(super) fn routes(probe: &Probe) -> Vec<Route> {
    routes_of(probe.limits.parts.is_some(), probe.files)
}

fn routes_of(parts: bool, files: bool) -> Vec<Route> {
    let wanted = json!({"filename": "valet-probe", "contentType": "image/png", "size": 1});
    let mut routes = vec![
        ("POST", "/v1/uploads", Some(wanted)),
        // Nothing is asked of these: what is let in is told that, and leaves nothing behind.
        ("POST", "/v1/uploads/batch", Some(json!({}))),
        ("POST", "/get-upload-url", Some(json!({}))),
        ("POST", "/confirm-upload", Some(json!({}))),
        ("GET", "/v1/limits", None),
        ("GET", "/v1/usage", None),
        ("GET", "/v1/uploads/{id}", None),
        ("POST", "/v1/uploads/{id}/url", None),
        ("POST", "/v1/uploads/{id}/confirm", None),
        ("DELETE", "/v1/uploads/{id}", None),
    ];
    if parts {
        routes.push(("POST", "/v1/uploads/{id}/parts", Some(json!({"parts": [{"partNumber": 1}]}))));
    }
    if files {
        routes.extend([
            ("GET", "/v1/files", None),
            ("GET", "/v1/files/{id}", None),
            ("GET", "/v1/files/{id}/url", None),
            ("DELETE", "/v1/files/{id}", None),
        ]);
    }
    routes
}

fn refused_everywhere(probe: &Probe, authorization: Option<&str>) -> Outcome {
    let mut told = Vec::new();
    for (method, path, body) in routes(probe) {
        let path_of_nobody = path.replace("{id}", &Uuid::now_v7().to_string());
        let mut ask = Ask::new(method, format!("{}{path_of_nobody}", probe.api));
        if let Some(value) = authorization {
            ask = ask.with("authorization", value);
        }
        if let Some(body) = body {
            ask = ask.json(&body);
        }
        let answer = probe.web.send(&ask)?;
        Ledger::note_grant(&probe.ledger, &answer);
        if let Finding::Broken(seen) = answered(&answer, &[401]) {
            return Ok(Finding::Broken(format!("{method} {path}: {seen}")));
        }
        told.push(answer.status);
    }
    Ok(Finding::Held(summary(&told)))
}

fn none(probe: &Probe) -> Outcome {
    refused_everywhere(probe, None)
}

fn garbage(probe: &Probe) -> Outcome {
    refused_everywhere(probe, Some("Bearer valet-probe"))
}

fn forged(probe: &Probe) -> Outcome {
    let Some([head, claims, signature]) = parts(probe)? else { return Ok(opaque()) };
    let Some(claims) = with(&claims, "sub", "valet-probe") else { return Ok(opaque()) };
    refused_everywhere(probe, Some(&format!("Bearer {head}.{claims}.{signature}")))
}

fn unsigned(probe: &Probe) -> Outcome {
    let Some([head, claims, _]) = parts(probe)? else { return Ok(opaque()) };
    let Some(head) = with(&head, "alg", "none") else { return Ok(opaque()) };
    refused_everywhere(probe, Some(&format!("Bearer {head}.{claims}.")))
}

fn opaque() -> Finding {
    Finding::NotTried("the token is no JWT".into())
}

fn parts(probe: &Probe) -> Result<Option<[String; 3]>, NoAnswer> {
    let token = probe.us.read().map_err(|failure| NoAnswer(failure.text))?;
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    Ok(parts.try_into().ok())
}

/// A part of a token with one claim changed.
fn with(part: &str, name: &str, value: &str) -> Option<String> {
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    claims.as_object_mut()?.insert(name.into(), value.into());
    Some(URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_that_is_documented_is_tried() {
        let document: Value = serde_json::from_str(include_str!("../../../../../docs/openapi.json")).unwrap();
        let documented: BTreeSet<String> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let tried =
            routes_of(true, true).iter().map(|(method, path, _)| format!("{method} {path}")).collect();
        assert_eq!(documented, tried);
    }

    #[test]
    fn one_claim_is_changed_and_the_others_stay() {
        let part = URL_SAFE_NO_PAD.encode(r#"{"sub":"alice","scope":"s"}"#);
        let changed = URL_SAFE_NO_PAD.decode(with(&part, "sub", "bob").unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&changed).unwrap();
        assert_eq!(claims, json!({"sub": "bob", "scope": "s"}));
        assert_eq!(with("no part", "sub", "bob"), None);
    }
}
