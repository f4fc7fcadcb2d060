//! The answer to a batch: for each item what it would have been answered alone.

use crate::problem::{Body, Problem};
use crate::respond::{ItemFailure, Reply, Wording};
use crate::{Call, GrantView, grant_status};
use lambda_http::http::StatusCode;
use serde::Serialize;
use valet_core::Error;
use valet_core::issue_upload::Grant;

/// Grants and problems, in the order asked.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct BatchView<'a> {
    items: Vec<BatchItemView<'a>>,
}

/// One item of a batch: its status, and with it either the grant or the problem.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct BatchItemView<'a> {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<GrantView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Body<'a>>,
}

/// Tells what came of each item. `cdn_url` has no trailing slash.
pub fn batch_reply(call: &Call, grants: Vec<Result<Grant, Error>>, cdn_url: &str) -> Reply {
    let request_id = call.request_id();
    let outcomes: Vec<_> = grants.into_iter().map(|grant| grant.map_err(Problem::Core)).collect();
    let items = outcomes.iter().map(|outcome| match outcome {
        Ok(grant) => BatchItemView {
            status: grant_status(grant).as_u16(),
            upload: Some(GrantView::new(grant, cdn_url)),
            problem: None,
        },
        Err(problem) => BatchItemView {
            status: problem.status().as_u16(),
            upload: None,
            problem: Some(problem.body(Wording::Api, &request_id)),
        },
    });
    let reply = Reply::json(StatusCode::OK, &BatchView { items: items.collect() });
    reply.with_failures(
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(ItemFailure::of).collect(),
    )
}
