//! How many bytes a grant is for. What a client cannot say beforehand is bounded, and known once the file is verified.

/// The size of a file, or its bound while nobody knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Exactly so many bytes.
    Exact(u64),
    /// One byte to so many: the client cannot say.
    AtMost(u64),
}

impl Size {
    /// The exact number of bytes, if it is known. It always is of a verified file.
    pub fn exact(self) -> Option<u64> {
        match self {
            Self::Exact(bytes) => Some(bytes),
            Self::AtMost(_) => None,
        }
    }

    /// The most bytes there may be.
    pub fn most(self) -> u64 {
        let (Self::Exact(most) | Self::AtMost(most)) = self;
        most
    }

    /// Whether a file of so many bytes is what was granted. An empty one never is.
    pub fn admits(self, bytes: u64) -> bool {
        match self {
            Self::Exact(exact) => bytes == exact,
            Self::AtMost(most) => (1..=most).contains(&bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_admits_everything_from_one_byte_to_itself() {
        let bound = Size::AtMost(7);
        assert_eq!([0, 1, 7, 8].map(|bytes| bound.admits(bytes)), [false, true, true, false]);
        assert_eq!((bound.exact(), bound.most()), (None, 7));
    }

    #[test]
    fn an_exact_size_admits_itself_alone() {
        let exact = Size::Exact(7);
        assert_eq!([6, 7, 8].map(|bytes| exact.admits(bytes)), [false, true, false]);
        assert_eq!((exact.exact(), exact.most()), (Some(7), 7));
    }
}
