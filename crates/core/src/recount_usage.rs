//! Counts anew what an owner holds, by the rows. It never writes over a change that was made meanwhile.

use crate::Owner;
use crate::error::StoreError;
use crate::ports::{GetUsage, ListUploads, PutUsage};
use crate::usage::Held;
use std::num::NonZeroU16;

/// How many rows are asked for at once. A page ends at 1 MB as well.
const ROWS: NonZeroU16 = NonZeroU16::new(1000).expect("it is not 0");

/// How often it begins anew where the owner was faster.
const ROUNDS: usize = 3;

/// The pages beyond which it does not: the longer a count takes, the surer the owner is faster again.
const PAGES_ANEW: usize = 10;

/// What a recount has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recount {
    /// The counters were right.
    Right,
    /// The counters said `was` where there is `is`; now they say that.
    Mended {
        /// What they said.
        was: Held,
        /// What there is.
        is: Held,
    },
    /// The owner changed something each time. Nothing is written, and it stays due.
    Busy,
    /// There was no time to read all rows. Nothing is written, and it stays due.
    NoTime,
}

/// Counts what an owner's rows hold and corrects its counters by that.
///
/// Whatever changes what is held changes the counters' revision in the same write, so rows that were read since a revision and are written
/// down at that revision are all of one moment. `has_time` is asked before each page.
pub async fn recount_usage(
    uploads: &(impl GetUsage + ListUploads + PutUsage),
    owner: Owner,
    has_time: impl Fn() -> bool,
) -> Result<Recount, StoreError> {
    for _ in 0..ROUNDS {
        let counters = uploads.get_usage(owner).await?.unwrap_or_default();
        let Some((held, pages)) = count(uploads, owner, &has_time).await? else {
            return Ok(Recount::NoTime);
        };
        if uploads.put_usage(owner, &held, counters.revision).await? {
            let was = counters.held;
            return Ok(if was == held { Recount::Right } else { Recount::Mended { was, is: held } });
        }
        if pages > PAGES_ANEW {
            break;
        }
    }
    Ok(Recount::Busy)
}

/// What the rows hold, and how many pages they take; `None` when there was no time to read them all.
async fn count(
    uploads: &impl ListUploads,
    owner: Owner,
    has_time: impl Fn() -> bool,
) -> Result<Option<(Held, usize)>, StoreError> {
    let (mut held, mut pages, mut after) = (Held::default(), 0, None);
    loop {
        if !has_time() {
            return Ok(None);
        }
        let page = uploads.list_uploads(owner, after, ROWS).await?;
        pages += 1;
        for upload in &page.uploads {
            held += Held::by(upload);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(Some((held, pages))),
        }
    }
}
