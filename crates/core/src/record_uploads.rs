//! Records grants within what their owner may have: the rows and the counters change in one write or not at all. What still fits is decided by
//! what a refusal tells, not by a read before: others are granted at the same moment.

use crate::error::{Error, StoreError, StoreErrorKind};
use crate::ports::{GetUsage, NewGrant, PutOutcome, PutUploads};
use crate::usage::{Claim, Counters, Quota};
use crate::{Owner, Upload};
use time::OffsetDateTime;

/// How often the write is made again with what was learned from a refusal. Each costs the others of this owner a try at most.
const TRIES: usize = 8;

/// What a grant has come to.
#[derive(Debug)]
pub(crate) enum Recorded {
    /// It is recorded and counted.
    Created,
    /// It is not: its idempotency key is taken.
    KeyTaken,
}

/// Records the uploads of one owner, those that fit, in their order; at most [`crate::ports::MAX_GRANTS`].
///
/// `seen` are the owner's counters, if somebody has just read them.
pub(crate) async fn record_uploads(
    uploads: &(impl PutUploads + GetUsage),
    quota: Quota,
    now: OffsetDateTime,
    owner: Owner,
    mut seen: Option<Counters>,
    grants: Vec<NewGrant>,
) -> Vec<Result<Recorded, Error>> {
    let mut results: Vec<_> = grants.iter().map(|_| None).collect();
    let mut open: Vec<(usize, NewGrant)> = grants.into_iter().enumerate().collect();
    for _ in 0..TRIES {
        let asked: Vec<_> = open.iter().map(|(_, grant)| grant.upload.size.most()).collect();
        let admitted = quota.admit(&seen.unwrap_or_default(), now, &asked);
        if seen.is_none() && admitted.iter().any(Result::is_err) {
            // Refused whatever is held; the client is told how much that is.
            match uploads.get_usage(owner).await {
                Ok(counters) => seen = Some(counters.unwrap_or_default()),
                Err(error) => return all(results, &open, &error),
            }
            continue;
        }
        let (mut fit, mut places) = (Vec::new(), Vec::new());
        for ((place, grant), admitted) in open.iter().zip(&admitted) {
            if admitted.is_ok() {
                fit.push(grant.clone());
                places.push(*place);
            }
        }
        let outcome = if fit.is_empty() {
            Ok(PutOutcome::Created)
        } else {
            let claim = Claim::new(quota, seen.as_ref(), now, fit.iter().map(|grant| &grant.upload));
            uploads.put_uploads(&fit, &claim).await
        };
        match outcome {
            Ok(PutOutcome::Created) => {
                for ((place, _), admitted) in open.iter().zip(admitted) {
                    results[*place] = Some(admitted.map(|()| Recorded::Created));
                }
                return done(results);
            }
            Ok(PutOutcome::Busy) => {
                for (place, _) in &open {
                    results[*place] = Some(Err(Error::IdempotencyInProgress));
                }
                return done(results);
            }
            Ok(PutOutcome::Refused { taken, counters }) => {
                for place in taken.into_iter().filter_map(|taken| places.get(taken)) {
                    results[*place] = Some(Ok(Recorded::KeyTaken));
                }
                open.retain(|(place, _)| results[*place].is_none());
                seen = counters.or(seen);
                if open.is_empty() {
                    return done(results);
                }
            }
            Err(error) => return all(results, &open, &error),
        }
    }
    let source = "the owner's counters changed before every try".into();
    let error = StoreError { operation: "TransactWriteItems", kind: StoreErrorKind::Transient, source };
    all(results, &open, &error)
}

/// Records one upload without an idempotency key.
pub(crate) async fn record_upload(
    uploads: &(impl PutUploads + GetUsage),
    quota: Quota,
    now: OffsetDateTime,
    seen: Option<Counters>,
    upload: &Upload,
) -> Result<(), Error> {
    let grant = NewGrant { upload: upload.clone(), idempotency: None };
    let recorded = record_uploads(uploads, quota, now, upload.owner, seen, vec![grant]).await;
    recorded.into_iter().try_for_each(|recorded| recorded.map(drop))
}

/// Refuses what does not fit before anything is begun for it in the bucket, and says what the owner's counters were. Only the write
/// decides: what fits now may not then.
pub(crate) async fn check_room(
    uploads: &impl GetUsage,
    quota: Quota,
    now: OffsetDateTime,
    upload: &Upload,
) -> Result<Counters, Error> {
    let seen = uploads.get_usage(upload.owner).await?.unwrap_or_default();
    quota.admit(&seen, now, &[upload.size.most()]).into_iter().collect::<Result<(), _>>()?;
    Ok(seen)
}

/// The same failure for all that is open.
fn all(
    mut results: Vec<Option<Result<Recorded, Error>>>,
    open: &[(usize, NewGrant)],
    error: &StoreError,
) -> Vec<Result<Recorded, Error>> {
    for (place, _) in open {
        results[*place] = Some(Err(error.again().into()));
    }
    done(results)
}

fn done(results: Vec<Option<Result<Recorded, Error>>>) -> Vec<Result<Recorded, Error>> {
    results.into_iter().map(|result| result.expect("each is open until it has one")).collect()
}
