//! Signed requests, fetched some time before they are needed and never long: their URLs end within minutes.

use crate::api::Api;
use crate::cut::Cut;
use crate::error::{Error, Result};
use crate::grant::{SignedPart, SignedRequest, ToSend, WantedPart};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a URL is taken to live where the server told no time.
const UNKNOWN_LIFE: Duration = Duration::from_mins(2);

/// The most one request signs.
const MOST_SIGNED: usize = 500;

/// Batches grow while they are used up within this time, so that few URLs end unused.
const USED_WITHIN: Duration = Duration::from_mins(4);

/// Where signed requests come from.
pub(crate) struct Requests<'a> {
    api: &'a Api,
    id: &'a str,
    cut: Cut,
    kind: Kind,
}

enum Kind {
    Single(Mutex<Option<SignedRequest>>),
    Parts(Mutex<Parts>),
}

struct Parts {
    signed: BTreeMap<u32, SignedRequest>,
    batch: usize,
    last: Option<Instant>,
}

impl<'a> Requests<'a> {
    /// Begins with what the grant brought.
    pub(crate) fn new(api: &'a Api, id: &'a str, cut: Cut, to_send: ToSend, parallel: usize) -> Result<Self> {
        let kind = match to_send {
            ToSend::Single(request) => Kind::Single(Mutex::new(Some(alive(request)))),
            ToSend::Parts(_, parts) => Kind::Parts(Mutex::new(Parts {
                signed: checked(cut, parts)?,
                batch: (4 * parallel).clamp(1, MOST_SIGNED),
                last: None,
            })),
            ToSend::Nothing => Kind::Single(Mutex::new(None)),
        };
        Ok(Self { api, id, cut, kind })
    }

    /// A live request for a part. `coming` are those to be sent next, of which some are signed at the same time.
    pub(crate) fn get(&self, number: u32, coming: impl FnOnce(usize) -> Vec<u32>) -> Result<SignedRequest> {
        match &self.kind {
            Kind::Single(request) => {
                let mut request = request.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(request) = request.as_ref().filter(|request| request.is_live()) {
                    return Ok(request.clone());
                }
                let ToSend::Single(signed) = self.api.resign(self.id)?.to_send else {
                    return Err(protocol("there is no request"));
                };
                Ok(request.insert(alive(signed)).clone())
            }
            Kind::Parts(parts) => {
                // Held while signing: others that need a URL meanwhile wait for this batch instead of asking for their own.
                let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
                parts.signed.retain(|_, request| request.is_live());
                if !parts.signed.contains_key(&number) {
                    self.sign(&mut parts, number, coming)?;
                }
                parts.signed.remove(&number).ok_or_else(|| protocol("a part is missing"))
            }
        }
    }

    /// Forgets a request that storage did not take.
    pub(crate) fn discard(&self, number: u32) {
        match &self.kind {
            Kind::Single(request) => *request.lock().unwrap_or_else(PoisonError::into_inner) = None,
            Kind::Parts(parts) => {
                parts.lock().unwrap_or_else(PoisonError::into_inner).signed.remove(&number);
            }
        }
    }

    fn sign(&self, parts: &mut Parts, number: u32, coming: impl FnOnce(usize) -> Vec<u32>) -> Result<()> {
        if parts.last.is_some_and(|last| last.elapsed() < USED_WITHIN) {
            parts.batch = (parts.batch * 2).min(MOST_SIGNED);
        }
        let mut wanted = vec![number];
        wanted.extend(
            coming(parts.batch - 1)
                .into_iter()
                .filter(|next| *next != number && !parts.signed.contains_key(next)),
        );
        let wanted: Vec<_> =
            wanted.into_iter().map(|part_number| WantedPart { part_number, checksum: None }).collect();
        parts.signed.extend(checked(self.cut, self.api.sign_parts(self.id, &wanted)?)?);
        parts.last = Some(Instant::now());
        Ok(())
    }
}

fn checked(cut: Cut, parts: Vec<SignedPart>) -> Result<BTreeMap<u32, SignedRequest>> {
    parts
        .into_iter()
        .map(|SignedPart { part_number, size, request }| {
            if !cut.numbers().contains(&part_number) || cut.range(part_number).1 != size {
                return Err(protocol("a part is not of this file"));
            }
            Ok((part_number, alive(request)))
        })
        .collect()
}

fn alive(mut request: SignedRequest) -> SignedRequest {
    request.ends.get_or_insert_with(|| Instant::now() + UNKNOWN_LIFE);
    request
}

fn protocol(detail: &str) -> Error {
    Error::Protocol { doing: "signing", detail: detail.into() }
}
