//! Issues many grants in one call. Each is issued as it would be alone: one that is refused takes no other with it.

use crate::error::{Error, FieldError, StoreError};
use crate::issue_upload::{Asked, Grant, NewUpload, Signed, check_idempotency_key, repeat, sign_all};
use crate::policy::Policy;
use crate::ports::{
    CreateMultipart, GetIdempotencyRecord, GetUpload, GetUsage, IdempotencyRecord, MAX_GRANTS, NewGrant,
    PresignPart, PresignPut, PutUploads,
};
use crate::record_uploads::{Recorded, record_uploads};
use crate::upload::{Multipart, Transfer, to_milliseconds};
use crate::usage::Counters;
use crate::{Owner, UploadId};
use futures_util::{StreamExt, stream};
use std::future::Future;
use time::OffsetDateTime;

/// The most uploads of one call. Twenty signed parts each are 1.7 MB, and Lambda answers with at most 6 MB.
pub const MAX_BATCH: usize = 50;

/// How many are worked on at a time: enough to hide answer times, and less than the connections S3 and DynamoDB take gladly.
const AT_ONCE: usize = 10;

/// One upload of a batch: the id it gets, and what the client wants or why that cannot be read.
pub type Item = (UploadId, Result<NewUpload, Error>);

/// How far one of them has come.
enum Step {
    /// It is what may be asked for.
    Asked(Asked),
    /// It is signed, and to be recorded.
    Signed(NewGrant, Signed),
    /// It did not fit; its first one may have.
    Refused(Error, IdempotencyRecord),
    /// Its key is known: its first one answers it.
    Repeated(IdempotencyRecord),
    /// It has come to an end.
    Done(Result<Grant, Error>),
}

/// Issues 1 to [`MAX_BATCH`] grants and gives what came of each, in the order asked.
///
/// With an idempotency key each place of the batch is remembered by itself: a repetition gives the grants there are and makes those there
/// are not.
pub async fn issue_uploads(
    objects: &(impl PresignPut + PresignPart + CreateMultipart),
    uploads: &(impl PutUploads + GetUpload + GetUsage + GetIdempotencyRecord),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    idempotency_key: Option<&str>,
    items: Vec<Item>,
) -> Result<Vec<Result<Grant, Error>>, Error> {
    if !(1..=MAX_BATCH).contains(&items.len()) {
        let detail = format!("must be 1 to {MAX_BATCH} uploads");
        return Err(Error::InvalidRequest(vec![FieldError::new("/items", detail)]));
    }
    idempotency_key.map_or(Ok(()), check_idempotency_key)?;
    let placed = |(place, (id, new)): (usize, Item)| {
        let idempotency_key = idempotency_key.map(str::to_owned);
        (id, new.map(|new| NewUpload { idempotency_key, place: Some(place), ..new }))
    };
    let items = items.into_iter().enumerate().map(placed).collect();
    Ok(issue_all(objects, uploads, policy, now, owner, items).await)
}

/// Issues these grants and gives what came of each, in the order asked.
///
/// Signing comes before recording: a signature that fails leaves no row behind. A multipart upload that was begun and not recorded holds
/// nothing and is known to nobody; the sweep aborts it.
pub(crate) async fn issue_all(
    objects: &(impl PresignPut + PresignPart + CreateMultipart),
    uploads: &(impl PutUploads + GetUpload + GetUsage + GetIdempotencyRecord),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    items: Vec<Item>,
) -> Vec<Result<Grant, Error>> {
    let now = to_milliseconds(now);
    let ask = |(id, new): Item| match new.and_then(|new| new.ask(policy, now, owner, id)) {
        Ok(asked) => Step::Asked(asked),
        Err(error) => Step::Done(Err(error)),
    };
    let mut steps: Vec<_> = items.into_iter().map(ask).collect();
    let mut seen = None;
    if steps.iter().any(|step| matches!(step, Step::Asked(Asked { parts: Some(_), .. }))) {
        // What begins something in the bucket must neither be a repetition nor have no room.
        steps = each(steps, |step| find_repeated(uploads, now, step)).await;
        match uploads.get_usage(owner).await {
            Ok(counters) => {
                let counters = counters.unwrap_or_default();
                refuse(policy, now, &counters, &mut steps);
                seen = Some(counters);
            }
            Err(error) => steps = steps.into_iter().map(|step| failed(step, &error)).collect(),
        }
    }
    steps = each(steps, |step| sign(objects, policy, now, step)).await;
    record(uploads, policy, now, owner, seen, &mut steps).await;
    let answers = each(steps, |step| answer(objects, uploads, policy, now, owner, step)).await;
    answers
        .into_iter()
        .map(|step| match step {
            Step::Done(result) => result,
            Step::Asked(_) | Step::Signed(..) | Step::Refused(..) | Step::Repeated(_) => {
                unreachable!("every step was taken")
            }
        })
        .collect()
}

/// Takes the next step of each, some at a time.
async fn each<F: Future<Output = Step>>(steps: Vec<Step>, next: impl Fn(Step) -> F) -> Vec<Step> {
    stream::iter(steps).map(next).buffered(AT_ONCE).collect().await
}

async fn find_repeated(uploads: &impl GetIdempotencyRecord, now: OffsetDateTime, step: Step) -> Step {
    let Step::Asked(Asked { upload, parts, idempotency: Some(record) }) = step else { return step };
    match uploads.get_idempotency_record(upload.owner, &record.key_hash, now).await {
        Ok(Some(_)) => Step::Repeated(record),
        Ok(None) => Step::Asked(Asked { upload, parts, idempotency: Some(record) }),
        Err(error) => Step::Done(Err(error.into())),
    }
}

/// Refuses uploads in parts that do not fit. Of the others the write decides. What has a key may be a repetition whose first one has taken
/// the place since it was looked for.
fn refuse(policy: &Policy, now: OffsetDateTime, seen: &Counters, steps: &mut [Step]) {
    let asked = steps.iter_mut().filter(|step| matches!(step, Step::Asked(_)));
    let asked: Vec<_> = asked.collect();
    let bytes = asked.iter().map(|step| match step {
        Step::Asked(asked) => asked.upload.size.most(),
        Step::Signed(..) | Step::Refused(..) | Step::Repeated(_) | Step::Done(_) => 0,
    });
    let bytes: Vec<_> = bytes.collect();
    for (step, admitted) in asked.into_iter().zip(policy.quota.admit(seen, now, &bytes)) {
        if let (Step::Asked(Asked { parts: Some(_), idempotency, .. }), Err(error)) = (&mut *step, admitted) {
            *step = match idempotency.take() {
                Some(record) => Step::Refused(error, record),
                None => Step::Done(Err(error)),
            };
        }
    }
}

fn failed(step: Step, error: &StoreError) -> Step {
    match step {
        Step::Asked(_) => Step::Done(Err(error.again().into())),
        Step::Signed(..) | Step::Refused(..) | Step::Repeated(_) | Step::Done(_) => step,
    }
}

async fn sign(
    objects: &(impl PresignPut + PresignPart + CreateMultipart),
    policy: &Policy,
    now: OffsetDateTime,
    step: Step,
) -> Step {
    let Step::Asked(Asked { mut upload, parts, idempotency }) = step else { return step };
    if let Some(parts) = parts {
        match objects.create_multipart(&upload).await {
            Ok(id) => upload.transfer = Transfer::Parts(Multipart { id, parts }),
            Err(error) => return Step::Done(Err(error.into())),
        }
    }
    match sign_all(objects, policy, &upload, now).await {
        Ok(request) => Step::Signed(NewGrant { upload, idempotency }, request),
        Err(error) => Step::Done(Err(error)),
    }
}

/// Records what is signed, as many at once as one write takes, one write after the other: they change the same counters.
async fn record(
    uploads: &(impl PutUploads + GetUsage),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    mut seen: Option<Counters>,
    steps: &mut [Step],
) {
    let mut signed: Vec<_> = steps.iter_mut().filter(|step| matches!(step, Step::Signed(..))).collect();
    for (number, chunk) in signed.chunks_mut(MAX_GRANTS).enumerate() {
        if number > 0 {
            // A read is cheaper than a write that is refused. Where it fails, that is what happens.
            seen = uploads.get_usage(owner).await.unwrap_or_default();
        }
        let grants = chunk.iter().filter_map(|step| match &**step {
            Step::Signed(grant, _) => Some(grant.clone()),
            Step::Asked(_) | Step::Refused(..) | Step::Repeated(_) | Step::Done(_) => None,
        });
        let recorded = record_uploads(uploads, policy.quota, now, owner, seen, grants.collect()).await;
        for (step, recorded) in chunk.iter_mut().zip(recorded) {
            let taken = std::mem::replace(*step, Step::Done(Err(Error::IdempotencyInProgress)));
            **step = recorded_step(taken, recorded);
        }
    }
}

fn recorded_step(step: Step, recorded: Result<Recorded, Error>) -> Step {
    let Step::Signed(NewGrant { upload, idempotency }, request) = step else { return step };
    match (recorded, idempotency) {
        (Ok(Recorded::Created), _) => Step::Done(Ok(Grant { upload, request: Some(request) })),
        (Ok(Recorded::KeyTaken), Some(record)) => Step::Repeated(record),
        (Ok(Recorded::KeyTaken), None) => unreachable!("a key is taken only where one was given"),
        (Err(error), Some(record)) if error.is_limit() => Step::Refused(error, record),
        (Err(error), _) => Step::Done(Err(error)),
    }
}

/// Answers repetitions with what their first ones made. One that did not fit can be one: its first one took the place.
async fn answer(
    objects: &(impl PresignPut + PresignPart),
    uploads: &(impl GetUpload + GetIdempotencyRecord),
    policy: &Policy,
    now: OffsetDateTime,
    owner: Owner,
    step: Step,
) -> Step {
    let asked = match step {
        Step::Repeated(asked) => asked,
        Step::Refused(refusal, asked) => {
            match uploads.get_idempotency_record(owner, &asked.key_hash, now).await {
                Ok(Some(_)) => asked,
                Ok(None) => return Step::Done(Err(refusal)),
                Err(error) => return Step::Done(Err(error.into())),
            }
        }
        Step::Asked(_) | Step::Signed(..) | Step::Done(_) => return step,
    };
    Step::Done(repeat(objects, uploads, policy, now, owner, &asked).await)
}
