//! Lists the caller's files, a page at a time. However many uploads of the owner's ended without a file, one call never reads
//! more than [`MAX_ROWS`] of them.

use crate::error::Error;
use crate::ports::{ListReady, ReadyPage};
use crate::{Owner, Upload, UploadId};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;
use std::num::NonZeroU16;

/// The most uploads one call looks at, files or not.
pub const MAX_ROWS: u16 = 1000;

/// How many are looked at a time once the first look has not found enough.
const NEXT_ROWS: u16 = 250;

/// How many files a page has at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(NonZeroU16);

impl PageSize {
    /// The most files on a page.
    pub const MAX: u16 = 100;

    /// Reads 1 to [`Self::MAX`] in plain digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let size = text.parse().ok().filter(|_| is_plain)?;
        (size <= Self::MAX).then(|| NonZeroU16::new(size).map(Self))?
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(NonZeroU16::new(50).expect("50 is not zero"))
    }
}

/// Where a page begins: behind an upload. It names only a place in the caller's own list, so whoever makes one up, or takes
/// another owner's, sees nothing but files of his own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(UploadId);

impl Cursor {
    /// Reads what [`fmt::Display`] writes, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        UploadId::parse(std::str::from_utf8(&bytes).ok()?).map(Self)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.to_string()))
    }
}

/// Some of the caller's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesPage {
    /// Ready uploads, newest first.
    pub files: Vec<Upload>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

/// The files from `after` on, the newest where none is given. A page may be short, even empty, and have a next one: that is where many
/// uploads in a row are no files.
pub async fn list_files(
    uploads: &impl ListReady,
    owner: Owner,
    after: Option<Cursor>,
    size: PageSize,
) -> Result<FilesPage, Error> {
    let wanted = usize::from(size.0.get());
    let mut files: Vec<Upload> = Vec::with_capacity(wanted + 1);
    let mut after = after.map(|Cursor(id)| id);
    let mut rows_left = MAX_ROWS;
    // One more than is wanted tells whether there is a next page.
    let mut rows = size.0.saturating_add(1);
    loop {
        let ReadyPage { uploads: found, next } = uploads.list_ready(owner, after, rows).await?;
        files.extend(found);
        if files.len() > wanted {
            files.truncate(wanted);
            let next = files.last().map(|last| Cursor(last.id));
            return Ok(FilesPage { files, next });
        }
        rows_left = rows_left.saturating_sub(rows.get());
        let next_rows = NonZeroU16::new(rows_left.min(NEXT_ROWS));
        match (next, next_rows) {
            (Some(id), Some(next_rows)) if files.len() < wanted => {
                after = Some(id);
                rows = next_rows;
            }
            (next, _) => return Ok(FilesPage { files, next: next.map(Cursor) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample;

    #[test]
    fn a_cursor_reads_back_only_what_it_writes() {
        let cursor = Cursor(sample::id());
        let text = cursor.to_string();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        assert_eq!(Cursor::parse(&text), Some(cursor));
        let padded = format!("{text}=");
        let upper = URL_SAFE_NO_PAD.encode(sample::id().to_string().to_uppercase());
        let id = sample::id().to_string();
        for other in ["", "AA", "%2e", &text[1..], &padded, &upper, &id, "\u{fc}"] {
            assert_eq!(Cursor::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_page_has_1_to_100_files() {
        for (text, size) in [("1", 1), ("50", 50), ("100", 100)] {
            assert_eq!(PageSize::parse(text).map(|size| size.0.get()), Some(size));
        }
        for other in ["", "0", "101", "-1", "+5", "05", "5.0", " 5", "65537", "x", "99999999999999999999"] {
            assert_eq!(PageSize::parse(other), None, "{other}");
        }
    }
}
