//! The checks, by what they are about. Each makes what it needs and shares nothing that another could spoil.

use super::Probe;
use super::check::{Finding, Outcome, answered};
use super::web::{Answer, Ask, NoAnswer};

pub(super) mod cdn;
pub(super) mod cors;
pub(super) mod deletion;
pub(super) mod expiry;
pub(super) mod grant;
pub(super) mod happy;
pub(super) mod https;
pub(super) mod multipart;
pub(super) mod storage;
pub(super) mod tokens;
pub(super) mod users;

/// What a check that needs a served file says when there is none.
fn without_a_file(why: &str) -> Finding {
    Finding::NotTried(format!("no file came to be served: {why}"))
}

/// The first of several answers that is not one of `right`, or how many were. `asks` are named for whoever reads it.
fn all_answered(probe: &Probe, asks: Vec<(String, Ask)>, right: &[u16]) -> Outcome {
    let mut told = Vec::new();
    for (name, ask) in asks {
        let answer = probe.web.send(&ask)?;
        if let Finding::Broken(seen) = answered(&answer, right) {
            return Ok(Finding::Broken(format!("{name}: {seen}")));
        }
        told.push(answer.status);
    }
    Ok(Finding::Held(summary(&told)))
}

/// `403 eight times`, as figures.
fn summary(statuses: &[u16]) -> String {
    let mut distinct: Vec<u16> = statuses.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let counted = distinct.iter().map(|status| {
        let times = statuses.iter().filter(|other| *other == status).count();
        if times == 1 { status.to_string() } else { format!("{status} x{times}") }
    });
    counted.collect::<Vec<_>>().join(", ")
}

/// An answer of S3 to a PUT that must be stored for a check to go on.
fn stored(answer: &Answer) -> Result<(), NoAnswer> {
    if answer.status == 200 {
        Ok(())
    } else {
        Err(NoAnswer(format!("the PUT itself was refused: {}", answer.told())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_each_status() {
        assert_eq!(summary(&[401, 401, 403]), "401 x2, 403");
    }
}
