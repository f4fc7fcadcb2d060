//! What sessions need of the table.

use crate::error::StoreError;
use crate::sessions::SecretHash;
use crate::{Owner, sessions::Session};
use std::future::Future;
use time::OffsetDateTime;

/// Records sessions.
pub trait PutSession {
    /// Records a session. It is forgotten some time after its end. IAM: `dynamodb:PutItem`.
    fn put_session(&self, session: &Session) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Reads sessions.
pub trait GetSession {
    /// Whose session this is; `None` when there is none that has not ended by `now`. IAM: `dynamodb:GetItem`.
    fn get_session(
        &self,
        secret: &SecretHash,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<Option<Owner>, StoreError>> + Send;
}
