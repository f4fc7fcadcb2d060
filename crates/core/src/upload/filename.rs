//! What a client calls a file. It is data: never part of a key, a header or a log line.

use std::fmt;

/// What a client calls a file: 1 to 1024 bytes of any Unicode text, path separators and line breaks included. It is
/// data, kept in the table and given back to its owner in JSON; never in a key, a header or a log line.
#[derive(Clone, PartialEq, Eq)]
pub struct Filename(String);

impl Filename {
    /// The most UTF-8 bytes a name may have.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a name of 1 to [`Self::MAX_BYTES`] bytes.
    pub fn new(name: String) -> Option<Self> {
        (1..=Self::MAX_BYTES).contains(&name.len()).then_some(Self(name))
    }

    /// The name, for the table and for its owner.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Filename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filename({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filename_is_never_printed() {
        let name = Filename::new("secret plans.pdf".to_owned()).unwrap();
        assert_eq!(format!("{name:?}"), "Filename(16 bytes)");
    }

    #[test]
    fn a_filename_has_1_to_1024_bytes() {
        assert_eq!(Filename::new(String::new()), None);
        assert!(Filename::new("x".repeat(1024)).is_some());
        assert_eq!(Filename::new("x".repeat(1025)), None);
    }
}
