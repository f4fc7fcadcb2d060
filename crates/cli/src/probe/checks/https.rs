//! Nothing is done over plain HTTP. No token is ever sent that way to find out.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome, answered};
use super::super::samples::NOTHING;
use super::super::web::{Answer, Ask, NoAnswer};
use super::without_a_file;
use crate::connect::is_loopback;

pub(in super::super) const GROUP: Group = Group {
    title: "Nothing over plain HTTP",
    checks: &[
        Check { id: "https-api", title: "the API", expected: "no answer, 403 or a redirect", run: api },
        Check { id: "https-s3", title: "S3, with a valid signed URL", expected: "403", run: s3 },
        Check { id: "https-cdn", title: "the CDN", expected: "a redirect to https", run: cdn },
    ],
};

/// The same request over plain HTTP. This machine's own addresses have no TLS: there a header says that it is plain.
fn plain(ask: Ask) -> Ask {
    if is_loopback(&ask.url) {
        return ask.with("x-forwarded-proto", "http");
    }
    Ask { url: ask.url.replacen("https://", "http://", 1), ..ask }
}

fn redirects_to_https(answer: &Answer) -> bool {
    (300..400).contains(&answer.status) && answer.header("location").starts_with("https://")
}

fn api(probe: &Probe) -> Outcome {
    let ask = Ask::new("GET", format!("{}/v1/limits", probe.api));
    // It answers where it should; silence elsewhere then means something.
    probe.web.send(&ask)?;
    Ok(match probe.web.send_once(&plain(ask)) {
        Err(NoAnswer(why)) => Finding::Held(why),
        Ok(answer) if redirects_to_https(&answer) => Finding::Held(format!("{} to https", answer.status)),
        Ok(answer) => answered(&answer, &[403]),
    })
}

fn s3(probe: &Probe) -> Outcome {
    let grant = probe.grant(&probe.any_type()?.content_type, NOTHING, false)?;
    let put = grant.put()?.ask(NOTHING);
    let answer = probe.web.send(&plain(put.clone()))?;
    let finding = answered(&answer, &[403]);
    if matches!(finding, Finding::Held(_)) {
        super::stored(&probe.web.send(&put)?)?;
    }
    Ok(finding)
}

fn cdn(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let answer = probe.web.send(&plain(Ask::new("GET", &shown.file_url)))?;
    Ok(if redirects_to_https(&answer) {
        Finding::Held(format!("{} to https", answer.status))
    } else {
        Finding::Broken(answer.told())
    })
}
