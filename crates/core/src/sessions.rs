//! Short-lived sessions for clients that cannot send a token: the secret stands in the address they call. It is kept by nobody but the
//! client; the table has its hash.

use crate::Owner;
use crate::error::Error;
use crate::ports::{GetSession, PutSession};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::fmt;
use time::{Duration, OffsetDateTime};

/// How long a session lives: a working day. Its client cannot renew it, and an upload may be resumed for as long.
pub const SESSION_LIFETIME: Duration = Duration::hours(12);

/// What a session's client has to know. A credential: it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes 32 random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// Reads [`Self::reveal`], and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The 43 characters that stand in an address.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What the table may know of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// SHA-256 of a secret. Displayed as 64 lower-case hex digits. Whoever reads it can open nothing with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretHash([u8; 32]);

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// What its client proves that it knows.
    pub secret: SecretHash,
    /// Whose it is.
    pub owner: Owner,
    /// When it ends, to the millisecond.
    pub expires_at: OffsetDateTime,
}

/// Opens a session of the owner's.
pub async fn open_session(
    sessions: &impl PutSession,
    now: OffsetDateTime,
    owner: Owner,
    secret: &Secret,
) -> Result<Session, Error> {
    let expires_at = crate::upload::to_milliseconds(now) + SESSION_LIFETIME;
    let session = Session { secret: secret.hash(), owner, expires_at };
    sessions.put_session(&session).await?;
    Ok(session)
}

/// Whose session the secret in an address opens; `None` for what is no secret, for an unknown one, and for one that has ended.
pub async fn session_owner(
    sessions: &impl GetSession,
    now: OffsetDateTime,
    secret: &str,
) -> Result<Option<Owner>, Error> {
    let Some(secret) = Secret::parse(secret) else { return Ok(None) };
    Ok(sessions.get_session(&secret.hash(), now).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_one_spelling_and_is_never_printed() {
        let secret = Secret::new([0xfb; 32]);
        let text = secret.reveal();
        assert_eq!((text.len(), Secret::parse(&text)), (43, Some(secret.clone())));
        assert_eq!(format!("{secret:?}"), "Secret");
        let padded = format!("{text}=");
        let standard = text.replace('-', "+").replace('_', "/");
        for other in ["", &text[1..], &padded, &standard, "../../v1", "\u{fc}"] {
            assert_eq!(Secret::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_hash_tells_nothing_of_its_secret() {
        // head -c 32 /dev/zero | sha256sum
        let hash = Secret::new([0; 32]).hash().to_string();
        assert_eq!(hash, "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
    }
}
