//! The bucket itself answers nobody without a signature.

use super::super::Probe;
use super::super::check::Finding;
use super::super::check::{Check, Group, Outcome};
use super::super::ledger::Ledger;
use super::super::web::Ask;
use super::{all_answered, without_a_file};

pub(in super::super) const GROUP: Group = Group {
    title: "The bucket answers nobody",
    checks: &[
        Check { id: "s3-read", title: "GET and HEAD of a served file from S3", expected: "403", run: read },
        Check { id: "s3-list", title: "listing objects, versions, uploads", expected: "403", run: list },
        Check { id: "s3-settings", title: "reading policy, ACL, CORS", expected: "403", run: settings },
        Check { id: "s3-write", title: "unsigned PUT and DELETE", expected: "403", run: write },
    ],
};

fn read(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let asks = ["GET", "HEAD"].map(|method| (method.to_owned(), Ask::new(method, shown.signed.object_url())));
    all_answered(probe, asks.to_vec(), &[403])
}

fn list(probe: &Probe) -> Outcome {
    of_bucket(probe, &["list-type=2", "versions", "uploads"])
}

fn settings(probe: &Probe) -> Outcome {
    of_bucket(probe, &["policy", "acl", "cors"])
}

fn of_bucket(probe: &Probe, queries: &[&str]) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let bucket = shown.signed.bucket_url()?;
    let asks =
        queries.iter().map(|query| ((*query).to_owned(), Ask::new("GET", format!("{bucket}/?{query}"))));
    all_answered(probe, asks.collect(), &[403])
}

fn write(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    // A key of its own beside the file, so that a hole costs nobody a file.
    let beside = format!("{}.valet-probe", shown.signed.object_url());
    let put = Ask::new("PUT", &beside).with("if-none-match", "*").body("valet probe");
    let finding = all_answered(
        probe,
        vec![("PUT".into(), put), ("DELETE".into(), Ask::new("DELETE", &beside))],
        &[403],
    )?;
    if matches!(finding, Finding::Broken(_)) {
        Ledger::note_left(
            &probe.ledger,
            "an object may have been stored without a signature; remove *.valet-probe from the bucket",
        );
    }
    Ok(finding)
}
