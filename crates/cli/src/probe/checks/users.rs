//! Another user's upload is not there, on any route.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome, answered};
use super::super::samples::NOTHING;
use super::super::web::{Answer, NoAnswer};
use super::tokens::routes;
use super::{summary, without_a_file};
use crate::credential::Credential;
use serde_json::Value;
use uuid::Uuid;

pub(in super::super) const GROUP: Group = Group {
    title: "An id is worth nothing to others",
    checks: &[
        Check {
            id: "id-unknown",
            title: "an id that is nobody's",
            expected: "404 on every route",
            run: unknown,
        },
        Check {
            id: "id-tricks",
            title: "paths where an id belongs",
            expected: "400, 403 or 404",
            run: tricks,
        },
        Check {
            id: "user-pending",
            title: "our pending upload, by another",
            expected: "404 on every route",
            run: pending,
        },
        Check { id: "user-ready", title: "our file, by another", expected: "404, not listed", run: ready },
    ],
};

fn not_found_everywhere(probe: &Probe, who: &Credential, id: &str) -> Outcome {
    let mut told = Vec::new();
    for (method, path, body) in routes(probe).into_iter().filter(|(_, path, _)| path.contains("{id}")) {
        let answer = probe.call_as(Some(who), method, &path.replace("{id}", id), body.as_ref())?;
        if let Finding::Broken(seen) = answered(&answer, &[404]) {
            return Ok(Finding::Broken(format!("{method} {path}: {seen}")));
        }
        told.push(answer.status);
    }
    Ok(Finding::Held(summary(&told)))
}

fn unknown(probe: &Probe) -> Outcome {
    not_found_everywhere(probe, &probe.us, &Uuid::now_v7().to_string())
}

fn tricks(probe: &Probe) -> Outcome {
    let mut told = Vec::new();
    for id in ["%2e%2e", "..%2flimits", "%2e%2e%2flimits", "%00", "%0d%0a", "OWNER%23x", "*"] {
        let answer = probe.call("GET", &format!("/v1/uploads/{id}"), None)?;
        if let Finding::Broken(seen) = answered(&answer, &[400, 403, 404]) {
            return Ok(Finding::Broken(format!("GET /v1/uploads/{id}: {seen}")));
        }
        told.push(answer.status);
    }
    Ok(Finding::Held(summary(&told)))
}

fn alone() -> Finding {
    Finding::NotTried("give --other-token, of a second user".into())
}

fn pending(probe: &Probe) -> Outcome {
    let Some(other) = &probe.them else { return Ok(alone()) };
    let grant = probe.grant(&probe.any_type()?.content_type, NOTHING, false)?;
    let finding = not_found_everywhere(probe, other, &grant.id)?;
    // That they were told nothing is half of it; the other half is that they did nothing.
    let ours = probe.call("GET", &format!("/v1/uploads/{}", grant.id), None)?.json();
    Ok(match finding {
        Finding::Held(_) if ours["status"] != "pending" => {
            Finding::Broken(format!("404, but now it is {}", ours["status"].as_str().unwrap_or("gone")))
        }
        other => other,
    })
}

fn ready(probe: &Probe) -> Outcome {
    let Some(other) = &probe.them else { return Ok(alone()) };
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let read = |path: String| -> Result<Answer, NoAnswer> { probe.call_as(Some(other), "GET", &path, None) };
    let finding = answered(&read(format!("/v1/uploads/{}", shown.id))?, &[404]);
    if matches!(finding, Finding::Broken(_)) || !probe.files {
        return Ok(finding);
    }
    let finding = answered(&read(format!("/v1/files/{}", shown.id))?, &[404]);
    if matches!(finding, Finding::Broken(_)) {
        return Ok(finding);
    }
    let listed = read("/v1/files?limit=100".into())?;
    let ids = |page: &Value| {
        page["items"].as_array().is_some_and(|items| items.iter().any(|item| item["id"] == shown.id.as_str()))
    };
    Ok(match listed.status {
        200 if ids(&listed.json()) => Finding::Broken("it is in their list".into()),
        200 => Finding::Held("404 x2, not in their list".into()),
        _ => Finding::Broken(listed.told()),
    })
}
