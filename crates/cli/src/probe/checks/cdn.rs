//! The CDN serves what was verified, as what it is, and nothing else.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome, answered};
use super::super::samples::NOTHING;
use super::super::stack::Grant;
use super::super::web::{Ask, NoAnswer};
use super::{all_answered, stored, summary, without_a_file};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a file that must not be served is asked for.
const WATCH: Duration = Duration::from_secs(3);
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

pub(in super::super) const GROUP: Group = Group {
    title: "The CDN serves what was verified, and nothing else",
    checks: &[
        Check {
            id: "cdn-unverified",
            title: "a file before it is verified",
            expected: "403 or 404",
            run: unverified,
        },
        Check {
            id: "cdn-rejected",
            title: "HTML granted as an image",
            expected: "rejected, never served",
            run: rejected,
        },
        Check {
            id: "cdn-cancelled",
            title: "a file that comes after its cancel",
            expected: "never served",
            run: cancelled,
        },
        Check { id: "cdn-unknown", title: "a key that is not there", expected: "403 or 404", run: unknown },
        Check {
            id: "cdn-list",
            title: "listings and paths with .. in them",
            expected: "400, 403 or 404",
            run: list,
        },
        Check {
            id: "cdn-query",
            title: "?response-content-type=text/html",
            expected: "the type stays",
            run: query,
        },
        Check { id: "cdn-write", title: "PUT, POST, DELETE at the CDN", expected: "403 or 405", run: write },
    ],
};

const ABSENT: &[u16] = &[403, 404];

/// Asks for a file for a while. It must never be there.
fn never_served(probe: &Probe, url: &str) -> Outcome {
    let began = Instant::now();
    let mut told = Vec::new();
    loop {
        let answer = probe.web.send(&Ask::new("GET", url))?;
        if let broken @ Finding::Broken(_) = answered(&answer, ABSENT) {
            return Ok(broken);
        }
        told.push(answer.status);
        if began.elapsed() >= WATCH {
            return Ok(Finding::Held(summary(&told)));
        }
        if probe.stop.wait(BETWEEN_LOOKS) {
            return Err(NoAnswer("interrupted".into()));
        }
    }
}

/// Where the CDN would serve a grant's file.
fn would_be(cdn: &str, grant: &Grant) -> Result<String, NoAnswer> {
    Ok(format!("{cdn}{}", grant.put()?.key_path()?))
}

fn unverified(probe: &Probe) -> Outcome {
    let (shown, sample) = match probe.shown() {
        Ok(shown) => (shown, shown.sample),
        Err(why) => return Ok(without_a_file(&why)),
    };
    let grant = probe.grant(sample.content_type, NOTHING, false)?;
    stored(&probe.web.send(&grant.put()?.ask(NOTHING))?)?;
    never_served(probe, &would_be(&shown.cdn, &grant)?)
}

fn rejected(probe: &Probe) -> Outcome {
    let (shown, sample) = match probe.shown() {
        Ok(shown) => (shown, shown.sample),
        Err(why) => return Ok(without_a_file(&why)),
    };
    let grant = probe.grant(sample.content_type, NOTHING, false)?;
    stored(&probe.web.send(&grant.put()?.ask(NOTHING))?)?;
    let confirmed = probe.call("POST", &format!("/v1/uploads/{}/confirm", grant.id), None)?;
    let upload = probe.call("GET", &format!("/v1/uploads/{}", grant.id), None)?.json();
    if confirmed.is_success() || upload["status"] != "rejected" {
        let status = upload["status"].as_str().unwrap_or("unknown");
        return Ok(Finding::Broken(format!("{}; it is {status}", confirmed.told())));
    }
    Ok(match never_served(probe, &would_be(&shown.cdn, &grant)?)? {
        Finding::Held(seen) => Finding::Held(format!("{}; then {seen}", confirmed.told())),
        other => other,
    })
}

fn cancelled(probe: &Probe) -> Outcome {
    let (shown, sample) = match probe.shown() {
        Ok(shown) => (shown, shown.sample),
        Err(why) => return Ok(without_a_file(&why)),
    };
    let grant = probe.grant(sample.content_type, sample.content, false)?;
    let cancel = probe.call("DELETE", &format!("/v1/uploads/{}", grant.id), None)?;
    if cancel.status != 204 {
        return Ok(Finding::Broken(format!("the cancel: {}", cancel.told())));
    }
    // S3 cannot take a signed URL back, so it may well store this.
    let late = probe.web.send(&grant.put()?.ask(sample.content))?;
    let finding = never_served(probe, &would_be(&shown.cdn, &grant)?)?;
    let upload = probe.call("GET", &format!("/v1/uploads/{}", grant.id), None)?.json();
    Ok(match finding {
        Finding::Held(_) if upload["status"] != "cancelled" => {
            Finding::Broken(format!("it became {}", upload["status"].as_str().unwrap_or("unknown")))
        }
        Finding::Held(seen) => Finding::Held(format!("PUT {}; then {seen}", late.status)),
        other => other,
    })
}

fn unknown(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let url = shown.file_url.replace(&shown.id, &Uuid::now_v7().to_string());
    Ok(answered(&probe.web.send(&Ask::new("GET", url))?, ABSENT))
}

fn list(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let folder = shown.file_url.rsplit_once('/').map_or("", |(folder, _)| folder);
    let urls = [
        format!("{}/", shown.cdn),
        format!("{}/?list-type=2", shown.cdn),
        format!("{}/uploads/", shown.cdn),
        format!("{folder}/"),
        format!("{}/uploads/../", shown.cdn),
        format!("{}/uploads/%2e%2e/%2e%2e/", shown.cdn),
    ];
    let asks = urls.into_iter().map(|url| {
        let name = url.replacen(&shown.cdn, "", 1);
        let name = if url.starts_with(folder) { "the owner's folder".into() } else { name };
        (name, Ask::new("GET", url))
    });
    all_answered(probe, asks.collect(), &[400, 403, 404])
}

fn query(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let url =
        format!("{}?response-content-type=text%2Fhtml&response-content-disposition=inline", shown.file_url);
    let answer = probe.web.send(&Ask::new("GET", url))?;
    let content_type = answer.header("content-type");
    // Refusing it altogether would do as well.
    Ok(match answer.status {
        200 if content_type == shown.sample.content_type => Finding::Held(format!("200 as {content_type}")),
        200 => Finding::Broken(format!("200 as {content_type}")),
        _ => answered(&answer, &[400, 403, 404]),
    })
}

fn write(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let beside = format!("{}.valet-probe", shown.file_url);
    let asks = ["PUT", "POST", "DELETE"].map(|method| {
        let ask = Ask::new(method, &beside);
        (method.to_owned(), if method == "DELETE" { ask } else { ask.body("valet probe") })
    });
    all_answered(probe, asks.to_vec(), &[403, 405])
}
