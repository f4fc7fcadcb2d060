//! The query of `GET /v1/files`, read so that every bad parameter is named at once.

use crate::{Call, Problem};
use valet_core::Error;
use valet_core::error::FieldError;
use valet_core::list_files::{Cursor, PageSize};

/// Which page of the caller's files is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilesQuery {
    /// Where it begins: at the newest file, or behind an earlier page.
    pub after: Option<Cursor>,
    /// How long it may be.
    pub size: PageSize,
}

/// What a call asks for.
pub fn files_query(call: &Call) -> Result<FilesQuery, Problem> {
    let given = call.query(&["limit", "cursor"])?;
    let mut errors = Vec::new();
    let mut query = FilesQuery::default();
    match given.get("limit").map(|limit| PageSize::parse(limit)) {
        None => {}
        Some(Some(size)) => query.size = size,
        Some(None) => {
            let detail = format!("must be a whole number from 1 to {}", PageSize::MAX);
            errors.push(FieldError::new("limit", detail));
        }
    }
    match given.get("cursor").map(|cursor| Cursor::parse(cursor)) {
        None => {}
        Some(Some(after)) => query.after = Some(after),
        Some(None) => errors.push(FieldError::new("cursor", "must be the nextCursor of an earlier page")),
    }
    if errors.is_empty() { Ok(query) } else { Err(Error::InvalidRequest(errors).into()) }
}
