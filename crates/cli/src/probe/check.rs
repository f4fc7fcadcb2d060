//! What a check is and what can come of it. A verdict is derived from what was seen, and from nothing else.

use super::Probe;
use super::not_enforced;
use super::web::{Answer, NoAnswer};
use serde::Serialize;

/// One control that is tried.
pub(super) struct Check {
    /// Stable, for scripts.
    pub(super) id: &'static str,
    /// What is tried.
    pub(super) title: &'static str,
    /// What must come of it.
    pub(super) expected: &'static str,
    pub(super) run: fn(&Probe) -> Outcome,
}

/// Checks that belong together.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) checks: &'static [Check],
}

/// What was seen, or that nothing was.
pub(super) type Outcome = Result<Finding, NoAnswer>;

/// What a check saw.
pub(super) enum Finding {
    /// What must be.
    Held(String),
    /// Something else.
    Broken(String),
    /// Nothing, because of this.
    NotTried(String),
}

/// Held where the status is one of `right`.
pub(super) fn answered(answer: &Answer, right: &[u16]) -> Finding {
    if right.contains(&answer.status) { Finding::Held(answer.told()) } else { Finding::Broken(answer.told()) }
}

/// What is made of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Verdict {
    #[serde(rename = "held")]
    Held,
    #[serde(rename = "HOLE")]
    Hole,
    #[serde(rename = "not enforced here")]
    NotEnforcedHere,
    #[serde(rename = "not tried")]
    NotTried,
    #[serde(rename = "no answer")]
    NoAnswer,
}

impl Verdict {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Hole => "HOLE",
            Self::NotEnforcedHere => "not enforced here",
            Self::NotTried => "not tried",
            Self::NoAnswer => "no answer",
        }
    }
}

/// A check and what came of it.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) group: &'static str,
    pub(super) id: &'static str,
    pub(super) check: &'static str,
    pub(super) expected: &'static str,
    pub(super) seen: String,
    pub(super) verdict: Verdict,
}

impl Row {
    pub(super) fn new(group: &Group, check: &Check, outcome: Outcome, local: bool) -> Self {
        let (verdict, seen) = match outcome {
            Ok(Finding::Held(seen)) => (Verdict::Held, seen),
            Ok(Finding::NotTried(why)) => (Verdict::NotTried, why),
            Err(NoAnswer(why)) => (Verdict::NoAnswer, why),
            Ok(Finding::Broken(seen)) => match not_enforced::reason(check.id).filter(|_| local) {
                Some(reason) => (Verdict::NotEnforcedHere, format!("{seen}: {reason}")),
                None => (Verdict::Hole, seen),
            },
        };
        Self { group: group.title, id: check.id, check: check.title, expected: check.expected, seen, verdict }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Group = Group { title: "group", checks: &[] };

    fn verdict(id: &'static str, outcome: Outcome, local: bool) -> Verdict {
        let check = Check { id, title: "title", expected: "403", run: |_| Ok(Finding::Held(String::new())) };
        Row::new(&GROUP, &check, outcome, local).verdict
    }

    #[test]
    fn a_broken_control_is_a_hole_unless_the_local_engine_is_known_to_lack_it() {
        let broken = || Ok(Finding::Broken("200".into()));
        assert_eq!(verdict("put-larger", broken(), false), Verdict::Hole);
        assert_eq!(verdict("put-larger", broken(), true), Verdict::Hole);
        assert_eq!(verdict("https-api", broken(), false), Verdict::Hole);
        assert_eq!(verdict("https-api", broken(), true), Verdict::NotEnforcedHere);
    }

    #[test]
    fn what_the_local_engine_enforces_after_all_is_held() {
        assert_eq!(verdict("https-api", Ok(Finding::Held("403".into())), true), Verdict::Held);
    }

    #[test]
    fn silence_is_neither_held_nor_a_hole() {
        for local in [true, false] {
            assert_eq!(verdict("https-api", Err(NoAnswer("refused".into())), local), Verdict::NoAnswer);
        }
    }
}
