//! A grant is for one PUT of exactly what was granted.
//!
//! What is sent is never what it was granted as, so that even what is stored by mistake never becomes a file. Each refusal
//! is compared with its twin: the same PUT done rightly, which must be stored, or the refusal proves nothing.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome, answered};
use super::super::ledger::Ledger;
use super::super::samples::NOTHING;
use super::super::stack::{Grant, Signed};
use super::super::web::{Ask, NoAnswer};
use super::{all_answered, stored, summary, without_a_file};
use serde_json::json;

pub(in super::super) const GROUP: Group = Group {
    title: "A grant is for exactly what was granted",
    checks: &[
        Check { id: "put-larger", title: "PUT of one byte more", expected: "403", run: larger },
        Check { id: "put-smaller", title: "PUT of one byte less", expected: "403", run: smaller },
        Check { id: "put-type", title: "PUT as text/html", expected: "403", run: other_type },
        Check { id: "put-hash", title: "PUT of other bytes than hashed", expected: "400", run: other_bytes },
        Check { id: "put-again", title: "a second PUT", expected: "412", run: again },
        Check {
            id: "put-no-precondition",
            title: "PUT without If-None-Match",
            expected: "403",
            run: no_precondition,
        },
        Check {
            id: "put-header-changed",
            title: "PUT with another Cache-Control",
            expected: "403",
            run: other_caching,
        },
        Check {
            id: "put-hash-changed",
            title: "PUT with another checksum header",
            expected: "400 or 403",
            run: other_hash,
        },
        Check {
            id: "put-header-missing",
            title: "PUT without Cache-Control",
            expected: "403",
            run: no_caching,
        },
        Check { id: "put-amz-acl", title: "PUT with x-amz-acl added", expected: "400 or 403", run: amz_acl },
        Check { id: "put-amz-meta", title: "PUT with x-amz-meta-… added", expected: "403", run: amz_meta },
        Check {
            id: "put-amz-tagging",
            title: "PUT with x-amz-tagging added",
            expected: "403",
            run: amz_tagging,
        },
        Check {
            id: "put-plain-header",
            title: "PUT with Content-Encoding added",
            expected: "403, or 422 at confirm",
            run: plain_header,
        },
        Check {
            id: "put-other-key",
            title: "the signature under another key",
            expected: "400 or 403",
            run: other_key,
        },
        Check {
            id: "put-path-tricks",
            title: "… under paths with .. in them",
            expected: "400 or 403",
            run: path_tricks,
        },
        Check {
            id: "put-longer-lived",
            title: "the URL made to live longer",
            expected: "403",
            run: longer_lived,
        },
        Check {
            id: "put-only",
            title: "GET, HEAD, DELETE, POST by the URL",
            expected: "403 or 405",
            run: put_only,
        },
        Check { id: "type-html", title: "a grant for text/html", expected: "415", run: html },
        Check {
            id: "type-too-large",
            title: "a grant for one byte too many",
            expected: "413",
            run: too_large,
        },
    ],
};

/// Tries a wrong PUT and then, if it was refused, the right one.
fn refused(probe: &Probe, hashed: bool, right: &[u16], wrong: impl Fn(Ask) -> Ask) -> Outcome {
    let grant = nothing(probe, hashed)?;
    refused_of(probe, &grant, right, wrong)
}

fn refused_of(probe: &Probe, grant: &Grant, right: &[u16], wrong: impl Fn(Ask) -> Ask) -> Outcome {
    let exact = grant.put()?.ask(NOTHING);
    let finding = answered(&probe.web.send(&wrong(exact.clone()))?, right);
    if matches!(finding, Finding::Held(_)) {
        stored(&probe.web.send(&exact)?)?;
    }
    Ok(finding)
}

/// A grant for bytes that will never be verified.
fn nothing(probe: &Probe, hashed: bool) -> Result<Grant, NoAnswer> {
    probe.grant(&probe.any_type()?.content_type, NOTHING, hashed)
}

fn larger(probe: &Probe) -> Outcome {
    refused(probe, false, &[403], |put| put.body([NOTHING, b"\n"].concat()))
}

fn smaller(probe: &Probe) -> Outcome {
    refused(probe, false, &[403], |put| put.body(&NOTHING[..NOTHING.len() - 1]))
}

fn other_type(probe: &Probe) -> Outcome {
    refused(probe, false, &[403], |put| put.with("content-type", "text/html"))
}

fn other_bytes(probe: &Probe) -> Outcome {
    refused(probe, true, &[400], |put| put.body(NOTHING.iter().rev().copied().collect::<Vec<_>>()))
}

fn again(probe: &Probe) -> Outcome {
    let grant = nothing(probe, false)?;
    let put = grant.put()?.ask(NOTHING);
    stored(&probe.web.send(&put)?)?;
    // The object may be rejected and removed any moment, after which the URL stores once more, to the same end.
    let answer = probe.web.send(&put)?;
    let upload = probe.call("GET", &format!("/v1/uploads/{}", grant.id), None)?;
    if answer.status == 200 && upload.json()["status"] == "rejected" {
        return again_with_a_file(probe);
    }
    Ok(answered(&answer, &[412]))
}

/// The same with the file that is served, which nothing removes.
fn again_with_a_file(probe: &Probe) -> Outcome {
    match probe.shown() {
        Ok(shown) => Ok(answered(&probe.web.send(&shown.signed.ask(shown.sample.content))?, &[412])),
        Err(why) => Ok(without_a_file(&why)),
    }
}

fn no_precondition(probe: &Probe) -> Outcome {
    refused(probe, false, &[403], |put| put.without("if-none-match"))
}

fn other_caching(probe: &Probe) -> Outcome {
    refused(probe, false, &[403], |put| put.with("cache-control", "no-cache"))
}

fn no_caching(probe: &Probe) -> Outcome {
    refused(probe, false, &[403], |put| put.without("cache-control"))
}

fn other_hash(probe: &Probe) -> Outcome {
    // Of other bytes, which are sent as well: only the signature tells.
    let other: Vec<u8> = NOTHING.iter().rev().copied().collect();
    let hash = super::super::stack::sha256(&other);
    refused(probe, true, &[400, 403], |put| put.with("x-amz-checksum-sha256", &hash).body(other.clone()))
}

fn amz_acl(probe: &Probe) -> Outcome {
    // Also refused because the bucket has no ACLs.
    refused(probe, false, &[400, 403], |put| put.with("x-amz-acl", "public-read"))
}

fn amz_meta(probe: &Probe) -> Outcome {
    refused(probe, false, &[403], |put| put.with("x-amz-meta-probe", "added"))
}

fn amz_tagging(probe: &Probe) -> Outcome {
    refused(probe, false, &[403], |put| put.with("x-amz-tagging", "verified=true"))
}

/// S3 takes such a header of its own accord, so what was stored must be compared with the grant.
fn plain_header(probe: &Probe) -> Outcome {
    let Some(sample) = probe.image() else {
        return Ok(Finding::NotTried("the stack accepts no image that gets thumbnails".into()));
    };
    let grant = probe.grant(sample.content_type, sample.content, false)?;
    let stored = probe.web.send(&grant.put()?.ask(sample.content).with("content-encoding", "gzip"))?;
    if stored.status == 403 {
        return Ok(Finding::Held(stored.told()));
    }
    Ok(answered(&probe.call("POST", &format!("/v1/uploads/{}/confirm", grant.id), None)?, &[422]))
}

fn other_key(probe: &Probe) -> Outcome {
    let grant = nothing(probe, false)?;
    let changes = [
        changed_path(grant.put()?, |path| path.replace("/uploads/", "/thumbnails/"))?,
        changed_path(grant.put()?, |path| format!("{path}.html"))?,
    ];
    elsewhere(probe, &grant, changes.to_vec())
}

fn path_tricks(probe: &Probe) -> Outcome {
    let grant = nothing(probe, false)?;
    let changes = [
        changed_path(grant.put()?, |path| path.replace("/uploads/", "/uploads/../uploads/"))?,
        changed_path(grant.put()?, |path| path.replace("/uploads/", "/uploads/%2e%2e/thumbnails/"))?,
        changed_path(grant.put()?, |path| path.replace("/uploads/", "//uploads/"))?,
    ];
    elsewhere(probe, &grant, changes.to_vec())
}

/// The same PUT to other places, then to its own.
fn elsewhere(probe: &Probe, grant: &Grant, urls: Vec<String>) -> Outcome {
    let mut told = Vec::new();
    for url in urls {
        let answer = probe.web.send(&Ask { url, ..grant.put()?.ask(NOTHING) })?;
        if answer.is_success() {
            Ledger::note_left(
                &probe.ledger,
                "an object was stored beside its key; remove it from the bucket",
            );
        }
        if let broken @ Finding::Broken(_) = answered(&answer, &[400, 403]) {
            return Ok(broken);
        }
        told.push(answer.status);
    }
    stored(&probe.web.send(&grant.put()?.ask(NOTHING))?)?;
    Ok(Finding::Held(summary(&told)))
}

fn changed_path(signed: &Signed, change: impl Fn(&str) -> String) -> Result<String, NoAnswer> {
    let path = signed.key_path()?;
    Ok(signed.url.replacen(path, &change(path), 1))
}

fn longer_lived(probe: &Probe) -> Outcome {
    refused(probe, false, &[403], |put| {
        let (before, after) = put.url.split_once("X-Amz-Expires=").unwrap_or((&put.url, ""));
        let rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
        Ask { url: format!("{before}X-Amz-Expires=604800{rest}"), ..put }
    })
}

fn put_only(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let asks = ["GET", "HEAD", "POST", "DELETE"].map(|method| {
        let ask = shown.signed.ask(b"");
        (method.to_owned(), Ask { method: method.into(), ..ask })
    });
    all_answered(probe, asks.to_vec(), &[403, 405])
}

fn html(probe: &Probe) -> Outcome {
    granted(probe, "text/html", 100, 415)
}

fn too_large(probe: &Probe) -> Outcome {
    let limit = probe.any_type()?;
    granted(probe, &limit.content_type, limit.max_size + 1, 413)
}

fn granted(probe: &Probe, content_type: &str, size: u64, right: u16) -> Outcome {
    let wanted = json!({"filename": "valet-probe", "contentType": content_type, "size": size});
    let answer = probe.call("POST", "/v1/uploads", Some(&wanted))?;
    Ledger::note_grant(&probe.ledger, &answer);
    Ok(answered(&answer, &[right]))
}
