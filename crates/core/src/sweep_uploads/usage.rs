//! Counts again what owners hold whose counters have changed since the last time. A counter that is wrong would be wrong for ever otherwise:
//! rows that were there before it, a row that left the table by its TTL or came back with a backup.
//!
//! How long it takes is up to the owners: one may have millions of rows, or change something all the time. So it comes last in a run, each run
//! begins with another shard, and whoever was faster than the count is left alone for a day.

use super::{AT_ONCE, About, Report, Run};
use crate::error::StoreError;
use crate::ports::{DueShard, DueUsage, GetUsage, ListDueUsage, ListUploads, PutOffUsage, PutUsage};
use crate::recount_usage::{Recount, recount_usage};
use crate::usage::RECOUNT_AFTER;
use futures_util::stream::{self, StreamExt};
use time::OffsetDateTime;

/// How many owners of a shard are read at once.
const PAGE: u16 = 100;

pub(super) async fn sweep_usage<T: Fn() -> bool>(
    uploads: &(impl GetUsage + ListUploads + PutUsage + PutOffUsage),
    index: &impl ListDueUsage,
    run: &Run<T>,
    report: &mut Report,
) {
    for shard in shards(run.now) {
        let mut after: Option<DueUsage> = None;
        loop {
            if !(run.has_time)() {
                report.is_truncated = true;
                return;
            }
            let page = match index.list_due_usage(shard, run.now, after.as_ref(), PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    report.fail(About::List, error);
                    break;
                }
            };
            let recounts =
                page.due.into_iter().map(|due| async move { (due.owner, recount(uploads, &due, run).await) });
            let mut recounts = stream::iter(recounts).buffer_unordered(AT_ONCE);
            while let Some((owner, recount)) = recounts.next().await {
                match recount {
                    Ok(Recount::Right) => report.counts.recounted += 1,
                    Ok(Recount::Mended { .. }) => {
                        report.counts.recounted += 1;
                        report.counts.mended += 1;
                    }
                    Ok(Recount::Busy) => report.counts.put_off += 1,
                    // The next run tries again.
                    Ok(Recount::NoTime) => report.is_truncated = true,
                    Err(error) => report.fail(About::Owner(owner), error),
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
}

/// Counts an owner again; one that was faster is put off.
async fn recount<T: Fn() -> bool>(
    uploads: &(impl GetUsage + ListUploads + PutUsage + PutOffUsage),
    due: &DueUsage,
    run: &Run<T>,
) -> Result<Recount, StoreError> {
    let recount = recount_usage(uploads, due.owner, &run.has_time).await?;
    if recount == Recount::Busy {
        uploads.put_off_usage(due, run.now + RECOUNT_AFTER).await?;
    }
    Ok(recount)
}

/// All of them, from another one on in each quarter of an hour.
fn shards(now: OffsetDateTime) -> impl Iterator<Item = DueShard> {
    let count = DueShard::all().count();
    let quarters = now.unix_timestamp().div_euclid(15 * 60).unsigned_abs();
    let first = usize::try_from(quarters).unwrap_or_default() % count;
    DueShard::all().cycle().skip(first).take(count)
}
