//! Decodes a request, calls one use case, encodes its result. The rules are in `valet-core`.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use std::convert::Infallible;
use valet_core::complete_upload::Said;
use valet_core::confirm_upload::Confirmed;
use valet_core::ports::{
    AbortMultipart, CompleteMultipart, DeleteVersion, GetUpload, GetVerdict, HeadObject, ListParts,
    TagVerified, UpdateUpload,
};
use valet_core::{cancel_upload, confirm_upload};
use valet_http::{Call, ConfirmedView, FileView, Problem, Reply, UploadView, confirmed_key, respond, said};

/// What this function works with.
pub(crate) struct ConfirmUpload<O, U> {
    pub(crate) objects: O,
    pub(crate) uploads: U,
    pub(crate) cdn_url: String,
}

/// Answers one request.
pub(crate) async fn handle<O, U>(
    function: &ConfirmUpload<O, U>,
    request: Request,
) -> Result<Response<Body>, Infallible>
where
    O: HeadObject + GetVerdict + TagVerified + DeleteVersion + ListParts + CompleteMultipart + AbortMultipart,
    U: GetUpload + UpdateUpload,
{
    respond(request, async |call| {
        let (method, path) = call.route();
        match (method, path.as_slice()) {
            ("POST", ["v1", "uploads", id, "confirm"]) => confirm(function, call, id).await,
            ("DELETE", ["v1", "uploads", id]) => cancel(function, call, id).await,
            ("POST", ["confirm-upload"]) => confirm_key(function, call).await,
            _ => Err(Problem::NoRoute),
        }
    })
    .await
}

async fn confirm<O, U>(function: &ConfirmUpload<O, U>, call: &Call, id: &str) -> Result<Reply, Problem>
where
    O: HeadObject + GetVerdict + TagVerified + DeleteVersion + ListParts + CompleteMultipart + AbortMultipart,
    U: GetUpload + UpdateUpload,
{
    let ConfirmUpload { objects, uploads, cdn_url } = function;
    let id = Call::upload_id(id)?;
    match confirm_upload(objects, uploads, call.now, call.owner, id, &said(call)?).await? {
        Confirmed::File(upload) => Ok(Reply::json(StatusCode::OK, &FileView::new(&upload, cdn_url))),
        Confirmed::UnderWay(upload, seconds) => {
            Ok(Reply::json(StatusCode::ACCEPTED, &UploadView::new(&upload, cdn_url)).again_after(seconds))
        }
    }
}

async fn confirm_key<O, U>(function: &ConfirmUpload<O, U>, call: &Call) -> Result<Reply, Problem>
where
    O: HeadObject + GetVerdict + TagVerified + DeleteVersion + ListParts + CompleteMultipart + AbortMultipart,
    U: GetUpload + UpdateUpload,
{
    let ConfirmUpload { objects, uploads, cdn_url } = function;
    let id = confirmed_key(call)?.id;
    match confirm_upload(objects, uploads, call.now, call.owner, id, &Said::default()).await? {
        Confirmed::File(upload) => {
            Ok(Reply::json(StatusCode::OK, &ConfirmedView::new(&upload, cdn_url)).about(id))
        }
        Confirmed::UnderWay(upload, seconds) => {
            let view = UploadView::new(&upload, cdn_url);
            Ok(Reply::json(StatusCode::ACCEPTED, &view).again_after(seconds).about(id))
        }
    }
}

async fn cancel<O, U>(function: &ConfirmUpload<O, U>, call: &Call, id: &str) -> Result<Reply, Problem>
where
    O: HeadObject + DeleteVersion + AbortMultipart,
    U: GetUpload + UpdateUpload,
{
    cancel_upload(&function.objects, &function.uploads, call.owner, Call::upload_id(id)?).await?;
    Ok(Reply::empty())
}

#[cfg(test)]
mod tests;
