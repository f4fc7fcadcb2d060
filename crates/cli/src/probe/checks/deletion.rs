//! A deleted file is gone from the API at once and from the CDN soon.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome, answered};
use super::super::web::Ask;
use super::without_a_file;
use std::time::Instant;

pub(in super::super) const GROUP: Group = Group {
    title: "A deleted file is gone",
    checks: &[
        Check {
            id: "delete",
            title: "delete a file, ask for it again",
            expected: "204, then 404",
            run: delete,
        },
        Check {
            id: "delete-cdn",
            title: "the deleted file at the CDN",
            expected: "403 or 404 soon",
            run: at_the_cdn,
        },
    ],
};

fn no_route() -> Finding {
    Finding::NotTried("this stack has no DELETE /v1/files".into())
}

fn delete(probe: &Probe) -> Outcome {
    if !probe.files {
        return Ok(no_route());
    }
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let path = format!("/v1/files/{}", shown.id);
    let deleted = probe.call("DELETE", &path, None)?;
    if deleted.status != 204 {
        return Ok(Finding::Broken(deleted.told()));
    }
    Ok(match answered(&probe.call("GET", &path, None)?, &[404]) {
        Finding::Held(seen) => Finding::Held(format!("204, then {seen}")),
        Finding::Broken(seen) => Finding::Broken(format!("204, then {seen}")),
        not_tried @ Finding::NotTried(_) => not_tried,
    })
}

fn at_the_cdn(probe: &Probe) -> Outcome {
    if !probe.files {
        return Ok(no_route());
    }
    let sample = match probe.shown() {
        Ok(shown) => shown.sample,
        Err(why) => return Ok(without_a_file(&why)),
    };
    // A file of its own, read once before: what the CDN has never had it need not forget.
    let file = match probe.upload(sample) {
        Ok(file) => file,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let read = || probe.web.send(&Ask::new("GET", &file.file_url));
    let before = read()?;
    if before.status != 200 {
        return Ok(Finding::Broken(format!("{} before it was deleted", before.told())));
    }
    let deleted = probe.call("DELETE", &format!("/v1/files/{}", file.id), None)?;
    if deleted.status != 204 {
        return Ok(Finding::Broken(format!("DELETE: {}", deleted.told())));
    }
    let began = Instant::now();
    let last = probe.until(probe.deletion_wait, read, |answer| answer.status != 200)?;
    Ok(match answered(&last, &[403, 404]) {
        Finding::Held(seen) => Finding::Held(format!("{seen} after {:.0?}", began.elapsed())),
        other => other,
    })
}
