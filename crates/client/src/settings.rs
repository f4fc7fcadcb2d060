//! Where the API is and how to speak to it. Tokens are never printed.

use crate::error::{Error, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs, io};

/// Where the bearer token comes from.
#[derive(Clone)]
pub enum Token {
    /// The token itself.
    Text(String),
    /// A file that holds it, read before every request: whoever renews it just writes the file.
    File(PathBuf),
    /// Asked before every request.
    Callback(Arc<dyn Fn() -> io::Result<String> + Send + Sync>),
}

impl Token {
    pub(crate) fn read(&self) -> Result<String> {
        let token = match self {
            Self::Text(text) => text.clone(),
            Self::File(path) => fs::read_to_string(path).map_err(|error| {
                Error::Settings(format!("cannot read the token file {}: {error}", path.display()))
            })?,
            Self::Callback(ask) => {
                ask().map_err(|error| Error::Settings(format!("there is no token: {error}")))?
            }
        };
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Settings("the token is empty or no token".into()));
        }
        Ok(token.to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(..)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Callback(_) => f.write_str("Callback(..)"),
        }
    }
}

/// How to reach an API. `Settings::new` fills in what is usual.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// `https://…`, to which `/v1/…` is added. `http://` is taken for this machine only: the token would travel in the open.
    pub base_url: String,
    /// Who is calling.
    pub token: Token,
    /// Certificates (PEM) that are trusted instead of the built-in ones.
    pub ca_bundle: Option<PathBuf>,
    /// How long a connection may take. 10 s.
    pub connect_timeout: Duration,
    /// How long an answer of the API may take. 40 s, as API Gateway answers within 30.
    pub answer_timeout: Duration,
    /// How long no byte may move on a connection to storage. 30 s.
    pub idle_timeout: Duration,
    /// How often a call of the API is tried. 6.
    pub tries: u32,
    /// What the client calls itself.
    pub user_agent: String,
}

impl Settings {
    /// An API at `base_url`, spoken to with `token`.
    pub fn new(base_url: impl Into<String>, token: Token) -> Self {
        Self {
            base_url: base_url.into(),
            token,
            ca_bundle: None,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(40),
            idle_timeout: Duration::from_secs(30),
            tries: 6,
            user_agent: concat!("valet-client/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_printed() {
        let settings = Settings::new("https://api.example", Token::Text("s3cret".into()));
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn a_token_is_trimmed_and_must_be_one() {
        assert_eq!(Token::Text("eyJ\n".into()).read().unwrap(), "eyJ");
        assert_eq!(Token::Callback(Arc::new(|| Ok("eyK".into()))).read().unwrap(), "eyK");
        for wrong in ["", "  \n", "two words", "line\nbreak"] {
            assert!(matches!(Token::Text(wrong.into()).read(), Err(Error::Settings(_))), "{wrong:?}");
        }
    }
}
