//! What the local engine is known not to enforce, with the reason. Only a check that was seen to fail is excused by it:
//! what the engine does refuse is reported as held.

/// Why the local engine lets this check through, if it is known to.
pub(super) fn reason(id: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == id).map(|(_, reason)| *reason)
}

const KNOWN: &[(&str, &str)] =
    &[("https-api", "the engine has no TLS; API Gateway does not answer plain HTTP")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::GROUPS;

    #[test]
    fn every_excuse_is_for_a_check_there_is() {
        for (id, _) in KNOWN {
            assert!(GROUPS.iter().flat_map(|group| group.checks).any(|check| check.id == *id), "{id}");
        }
    }
}
