//! A bearer token, or the file that holds one. It must never be printed.

use crate::failure::{Exit, Failure};
use std::path::PathBuf;
use std::{fmt, fs};

/// Where a token comes from.
#[derive(Clone)]
pub(crate) enum Credential {
    /// The token itself.
    Text(String),
    /// A file, read anew every time: whoever renews the token just writes the file.
    File(PathBuf),
}

impl Credential {
    /// One of two, if either was given. The token itself wins.
    pub(crate) fn of(token: Option<String>, file: Option<PathBuf>) -> Option<Self> {
        token.map(Self::Text).or_else(|| file.map(Self::File))
    }

    /// The token as it is now.
    pub(crate) fn read(&self) -> Result<String, Failure> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::File(path) => fs::read_to_string(path).map_err(|error| {
                Failure::new(Exit::Usage, format!("cannot read the token file {}: {error}", path.display()))
            })?,
        };
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::new(Exit::Usage, "the token is empty or none at all"));
        }
        Ok(token.into())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}
