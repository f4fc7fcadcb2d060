//! Counts again what owners hold whose counters have changed since the last time. A counter that is wrong would be wrong for ever otherwise:
//! rows that were there before it, a row that left the table by its TTL or came back with a backup.

use super::{AT_ONCE, About, Report, Run};
use crate::ports::{DueShard, DueUsage, GetUsage, ListDueUsage, ListUploads, PutUsage};
use crate::recount_usage::{Recount, recount_usage};
use futures_util::stream::{self, StreamExt};

/// How many owners of a shard are read at once.
const PAGE: u16 = 100;

pub(super) async fn sweep_usage<T: Fn() -> bool>(
    uploads: &(impl GetUsage + ListUploads + PutUsage),
    index: &impl ListDueUsage,
    run: &Run<T>,
    report: &mut Report,
) {
    for shard in DueShard::all() {
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
            let recounts = page.due.into_iter().map(|due| async move {
                (due.owner, recount_usage(uploads, due.owner, &run.has_time).await)
            });
            let mut recounts = stream::iter(recounts).buffer_unordered(AT_ONCE);
            while let Some((owner, recount)) = recounts.next().await {
                match recount {
                    Ok(Recount::Right) => report.counts.recounted += 1,
                    Ok(Recount::Mended { .. }) => {
                        report.counts.recounted += 1;
                        report.counts.mended += 1;
                    }
                    // The next run tries again.
                    Ok(Recount::Unfinished) => report.is_truncated |= !(run.has_time)(),
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
