//! A page of a foreign origin is allowed nothing.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome};
use super::super::samples::NOTHING;
use super::super::web::{Answer, Ask, NoAnswer};

/// A name that is nobody's. Source: RFC 2606.
const FOREIGN: [&str; 2] = ["https://valet-probe.example", "null"];

pub(in super::super) const GROUP: Group = Group {
    title: "A page of a foreign origin is allowed nothing",
    checks: &[
        Check { id: "cors-api", title: "calling the API", expected: "no allow header for it", run: api },
        Check { id: "cors-s3", title: "uploading to S3", expected: "no allow header for it", run: s3 },
    ],
};

fn allowed(answer: &Answer, origin: &str) -> Option<Finding> {
    let allows = answer.header("access-control-allow-origin");
    (allows == "*" || allows == origin).then(|| Finding::Broken(format!("{} allows {allows}", answer.status)))
}

fn preflight(url: &str, origin: &str, method: &str, headers: &str) -> Ask {
    Ask::new("OPTIONS", url)
        .with("origin", origin)
        .with("access-control-request-method", method)
        .with("access-control-request-headers", headers)
}

fn api(probe: &Probe) -> Outcome {
    let token = probe.us.read().map_err(|failure| NoAnswer(failure.text))?;
    for origin in FOREIGN {
        let asks = [
            preflight(&format!("{}/v1/uploads", probe.api), origin, "POST", "authorization,content-type"),
            Ask::new("GET", format!("{}/v1/limits", probe.api))
                .with("authorization", format!("Bearer {token}"))
                .with("origin", origin),
        ];
        for ask in asks {
            if let Some(broken) = allowed(&probe.web.send(&ask)?, origin) {
                return Ok(broken);
            }
        }
    }
    Ok(Finding::Held("none in four answers".into()))
}

fn s3(probe: &Probe) -> Outcome {
    let grant = probe.grant(&probe.any_type()?.content_type, NOTHING, false)?;
    let url = &grant.put()?.url;
    for origin in FOREIGN {
        let asks = [
            preflight(url, origin, "PUT", "content-type"),
            // Refused by its size, so that the answer is looked at and nothing is stored.
            grant.put()?.ask(b"x").with("origin", origin),
        ];
        for ask in asks {
            if let Some(broken) = allowed(&probe.web.send(&ask)?, origin) {
                return Ok(broken);
            }
        }
    }
    Ok(Finding::Held("none in four answers".into()))
}
