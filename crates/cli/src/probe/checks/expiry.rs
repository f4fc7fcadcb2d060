//! A URL ends when its grant says so. The grant is issued before everything else and tried after it.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome, answered};
use super::super::samples::NOTHING;
use super::super::stack::Grant;
use super::super::web::NoAnswer;
use std::time::Duration;

/// S3 answers by its own clock, which may be a moment behind the API's.
const SLACK: Duration = Duration::from_secs(3);

pub(in super::super) const GROUP: Group = Group {
    title: "A URL ends",
    checks: &[Check { id: "expired", title: "PUT after the URL's end", expected: "403", run: expired }],
};

/// What the check will try; made before the others run.
pub(in super::super) fn grant(probe: &Probe) -> Result<Grant, NoAnswer> {
    probe.grant(&probe.any_type()?.content_type, NOTHING, false)
}

fn expired(probe: &Probe) -> Outcome {
    if probe.quick {
        return Ok(Finding::NotTried("left out by --quick".into()));
    }
    let grant = match &probe.expiring {
        Some(Ok(grant)) => grant,
        Some(Err(gone)) => return Err(gone.clone()),
        None => return Ok(Finding::NotTried("left out by --quick".into())),
    };
    let left = grant.until_url_ends()? + SLACK;
    probe.screen.waiting("the URL to end", left);
    if probe.stop.wait(left) {
        return Err(NoAnswer("interrupted".into()));
    }
    let answer = probe.web.send(&grant.put()?.ask(NOTHING))?;
    let finding = answered(&answer, &[403]);
    if matches!(finding, Finding::Held(_)) {
        // Signed again, the same PUT is stored: it was the time that was wrong with it.
        let again = probe.call("POST", &format!("/v1/uploads/{}/url", grant.id), None)?;
        let Ok(again) = serde_json::from_slice::<Grant>(&again.body) else {
            return Ok(match again.code().as_str() {
                "upload_expired" => finding,
                _ => return Err(NoAnswer(format!("it cannot be signed again: {}", again.told()))),
            });
        };
        super::stored(&probe.web.send(&again.put()?.ask(NOTHING))?)?;
    }
    Ok(finding)
}
