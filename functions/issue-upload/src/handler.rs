//! Decodes a request, calls one use case, encodes its result. The rules are in `valet-core`.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use std::convert::Infallible;
use valet_core::policy::Policy;
use valet_core::ports::{
    CreateMultipart, GetIdempotencyRecord, GetUpload, GetUsage, ListParts, PresignPart, PresignPut,
    PutUploads,
};
use valet_core::{UploadId, issue_upload, issue_uploads, read_parts, read_upload, resign_upload, sign_parts};
use valet_http::{
    Call, GrantView, Include, LimitsView, Problem, Reply, SignedPartsView, UploadUrlView, UploadView,
    asked_parts, batch_reply, grant_status, idempotency_key, include, new_upload, new_uploads, respond,
    tutorial_upload,
};

/// What this function works with.
pub(crate) struct IssueUpload<O, U> {
    pub(crate) objects: O,
    pub(crate) uploads: U,
    pub(crate) policy: Policy,
    pub(crate) cdn_url: String,
}

/// Answers one request.
pub(crate) async fn handle<O, U>(
    function: &IssueUpload<O, U>,
    request: Request,
) -> Result<Response<Body>, Infallible>
where
    O: PresignPut + PresignPart + CreateMultipart + ListParts,
    U: PutUploads + GetUpload + GetUsage + GetIdempotencyRecord,
{
    respond(request, async |call| {
        let (method, path) = call.route();
        match (method, path.as_slice()) {
            ("POST", ["v1", "uploads"]) => issue(function, call).await,
            ("POST", ["v1", "uploads", "batch"]) => issue_batch(function, call).await,
            ("GET", ["v1", "uploads", id]) => read(function, call, id).await,
            ("POST", ["v1", "uploads", id, "url"]) => resign(function, call, id).await,
            ("POST", ["v1", "uploads", id, "parts"]) => sign(function, call, id).await,
            ("GET", ["v1", "limits"]) => Ok(Reply::json(StatusCode::OK, &LimitsView::new(&function.policy))),
            ("POST", ["get-upload-url"]) => issue_url(function, call).await,
            _ => Err(Problem::NoRoute),
        }
    })
    .await
}

async fn issue<O, U>(function: &IssueUpload<O, U>, call: &Call) -> Result<Reply, Problem>
where
    O: PresignPut + PresignPart + CreateMultipart,
    U: PutUploads + GetUpload + GetUsage + GetIdempotencyRecord,
{
    let IssueUpload { objects, uploads, policy, cdn_url } = function;
    let new = new_upload(call)?;
    let id = UploadId::new(valet_lambda::new_uuid());
    let grant = issue_upload(objects, uploads, policy, call.now, call.owner, id, new).await?;
    Ok(Reply::json(grant_status(&grant), &GrantView::new(&grant, cdn_url)).about(grant.upload.id))
}

async fn issue_batch<O, U>(function: &IssueUpload<O, U>, call: &Call) -> Result<Reply, Problem>
where
    O: PresignPut + PresignPart + CreateMultipart,
    U: PutUploads + GetUpload + GetUsage + GetIdempotencyRecord,
{
    let IssueUpload { objects, uploads, policy, cdn_url } = function;
    let items = new_uploads(call)?.into_iter().map(|new| (UploadId::new(valet_lambda::new_uuid()), new));
    let (key, items) = (idempotency_key(call), items.collect());
    let grants = issue_uploads(objects, uploads, policy, call.now, call.owner, key.as_deref(), items).await?;
    Ok(batch_reply(call, grants, cdn_url))
}

async fn issue_url<O, U>(function: &IssueUpload<O, U>, call: &Call) -> Result<Reply, Problem>
where
    O: PresignPut + PresignPart + CreateMultipart,
    U: PutUploads + GetUpload + GetUsage + GetIdempotencyRecord,
{
    let IssueUpload { objects, uploads, policy, .. } = function;
    let new = tutorial_upload(call)?;
    let id = UploadId::new(valet_lambda::new_uuid());
    let grant = issue_upload(objects, uploads, policy, call.now, call.owner, id, new).await?;
    Ok(Reply::json(StatusCode::OK, &UploadUrlView::new(&grant)).about(grant.upload.id))
}

async fn read<O, U>(function: &IssueUpload<O, U>, call: &Call, id: &str) -> Result<Reply, Problem>
where
    O: ListParts,
    U: GetUpload,
{
    let IssueUpload { objects, uploads, cdn_url, .. } = function;
    let id = Call::upload_id(id)?;
    match include(call)? {
        Include::Nothing => {
            let upload = read_upload(uploads, call.now, call.owner, id).await?;
            Ok(Reply::json(StatusCode::OK, &UploadView::new(&upload, cdn_url)))
        }
        Include::Parts(after) => {
            let (upload, page) = read_parts(objects, uploads, call.now, call.owner, id, after).await?;
            let page = page.unwrap_or_default();
            let view = UploadView::new(&upload, cdn_url).with_stored(&page);
            Ok(Reply::json(StatusCode::OK, &view))
        }
    }
}

async fn sign<O, U>(function: &IssueUpload<O, U>, call: &Call, id: &str) -> Result<Reply, Problem>
where
    O: PresignPart,
    U: GetUpload,
{
    let IssueUpload { objects, uploads, policy, .. } = function;
    let id = Call::upload_id(id)?;
    let asked = asked_parts(call)?;
    let parts = sign_parts(objects, uploads, policy, call.now, call.owner, id, &asked).await?;
    Ok(Reply::json(StatusCode::OK, &SignedPartsView::new(id, &parts)))
}

async fn resign<O, U>(function: &IssueUpload<O, U>, call: &Call, id: &str) -> Result<Reply, Problem>
where
    O: PresignPut,
    U: GetUpload,
{
    let IssueUpload { objects, uploads, policy, cdn_url } = function;
    let id = Call::upload_id(id)?;
    let grant = resign_upload(objects, uploads, policy, call.now, call.owner, id).await?;
    Ok(Reply::json(StatusCode::OK, &GrantView::new(&grant, cdn_url)))
}

#[cfg(test)]
mod tests;
