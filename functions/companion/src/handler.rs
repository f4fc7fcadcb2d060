//! Decodes what Uppy sends, calls one use case, encodes what it reads. The rules are in `valet-core`.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use std::convert::Infallible;
use time::OffsetDateTime;
use valet_core::confirm_upload::Confirmed;
use valet_core::loose_parts::{begin_parts, find_parts, grant_parts, list_parts, sign_own_call, sign_part};
use valet_core::policy::Policy;
use valet_core::ports::{
    AbortMultipart, CompleteMultipart, CreateMultipart, DeleteVersion, GetSession, GetUpload, GetUsage,
    GetVerdict, HeadObject, ListParts, PresignMultipart, PresignPart, PresignPost, PutSession, PutUploads,
    TagVerified, UpdateUpload,
};
use valet_core::sessions::{Secret, open_session, session_owner};
use valet_core::{Error, Owner, Upload, UploadId, cancel_upload, confirm_upload, issue_form};
use valet_http::{
    Call, CompletedView, PartView, PartsView, PolicyView, Problem, Reply, SessionView, SignView, StartedView,
    UppySign, Wording, base_url, bearer, named_parts, new_form, new_parts, nothing, respond_to, segments,
    uppy_sign,
};

/// What this function works with.
pub(crate) struct Companion<O, U> {
    pub(crate) objects: O,
    pub(crate) uploads: U,
    pub(crate) policy: Policy,
    pub(crate) bucket: String,
    pub(crate) cdn_url: String,
    pub(crate) api_url: Option<String>,
}

/// What it does with objects and parts.
pub(crate) trait Objects:
    PresignPost
    + PresignPart
    + PresignMultipart
    + CreateMultipart
    + ListParts
    + CompleteMultipart
    + AbortMultipart
    + HeadObject
    + GetVerdict
    + TagVerified
    + DeleteVersion
{
}
impl<T> Objects for T where
    T: PresignPost
        + PresignPart
        + PresignMultipart
        + CreateMultipart
        + ListParts
        + CompleteMultipart
        + AbortMultipart
        + HeadObject
        + GetVerdict
        + TagVerified
        + DeleteVersion
{
}

/// Answers one request.
pub(crate) async fn handle<O, U>(
    function: &Companion<O, U>,
    request: Request,
) -> Result<Response<Body>, Infallible>
where
    O: Objects,
    U: PutUploads + GetUpload + GetUsage + UpdateUpload + PutSession + GetSession,
{
    let who = async |request: &Request, now| identify(function, request, now).await;
    respond_to(request, Wording::Uppy, who, async |call| {
        let (method, path) = call.route();
        if (method, path.as_slice()) == ("POST", &["v1", "uppy-sessions"]) {
            return open(function, call).await;
        }
        let (["uppy", _, "s3", path @ ..] | ["s3", path @ ..]) = path.as_slice() else {
            return Err(Problem::NoRoute);
        };
        match (method, path) {
            ("GET", ["params"]) => params(function, call).await,
            ("POST", ["multipart"]) => begin(function, call).await,
            ("GET", ["multipart", id]) => list(function, call, id).await,
            ("GET", ["multipart", id, number]) => part(function, call, id, number).await,
            ("POST", ["multipart", id, "complete"]) => complete(function, call, id).await,
            ("DELETE", ["multipart", id]) => abort(function, call, id).await,
            ("POST", ["sign"]) => sign(function, call).await,
            _ => Err(Problem::NoRoute),
        }
    })
    .await
}

/// The owner of the session in the path, where there is one; everywhere else the authorizer's word.
async fn identify<O, U: GetSession>(
    function: &Companion<O, U>,
    request: &Request,
    now: OffsetDateTime,
) -> Result<Owner, Problem> {
    match segments(request.raw_http_path()).as_slice() {
        ["uppy", secret, ..] => {
            session_owner(&function.uploads, now, secret).await?.ok_or(Problem::NoSession)
        }
        _ => bearer(request),
    }
}

async fn open<O, U: PutSession>(function: &Companion<O, U>, call: &Call) -> Result<Reply, Problem> {
    let secret = Secret::new(valet_lambda::random_bytes());
    let session = open_session(&function.uploads, call.now, call.owner, &secret).await?;
    let api_url = function.api_url.clone().or_else(|| base_url(call)).ok_or(Problem::NoRoute)?;
    Ok(Reply::json(StatusCode::CREATED, &SessionView::new(&session, &secret, &api_url)))
}

async fn params<O, U>(function: &Companion<O, U>, call: &Call) -> Result<Reply, Problem>
where
    O: PresignPost,
    U: PutUploads + GetUsage,
{
    let Companion { objects, uploads, policy, .. } = function;
    let id = UploadId::new(valet_lambda::new_uuid());
    let new = new_form(call);
    let (upload, form) = issue_form(objects, uploads, policy, call.now, call.owner, id, &new).await?;
    Ok(Reply::json(StatusCode::OK, &PolicyView::new(&form, call.now)).about(upload.id))
}

async fn begin<O, U>(function: &Companion<O, U>, call: &Call) -> Result<Reply, Problem>
where
    O: CreateMultipart,
    U: PutUploads + GetUsage,
{
    let Companion { objects, uploads, policy, .. } = function;
    let id = UploadId::new(valet_lambda::new_uuid());
    let new = new_parts(call)?;
    let upload = begin_parts(objects, uploads, policy, call.now, call.owner, id, &new).await?;
    Ok(Reply::json(StatusCode::OK, &StartedView::new(&upload)).about(upload.id))
}

/// The upload of a path, if its key is said too.
async fn find<O, U: GetUpload>(function: &Companion<O, U>, call: &Call, id: &str) -> Result<Upload, Problem> {
    let id = Call::upload_id(id)?;
    let key = call.parameter("key").ok_or(Problem::Core(Error::NotFound))?;
    Ok(find_parts(&function.uploads, call.now, call.owner, id, &key).await?)
}

async fn list<O, U>(function: &Companion<O, U>, call: &Call, id: &str) -> Result<Reply, Problem>
where
    O: ListParts,
    U: GetUpload,
{
    let upload = find(function, call, id).await?;
    let parts = list_parts(&function.objects, &upload).await?;
    Ok(Reply::json(StatusCode::OK, &PartsView::new(&parts)))
}

async fn part<O, U>(function: &Companion<O, U>, call: &Call, id: &str, number: &str) -> Result<Reply, Problem>
where
    O: PresignPart,
    U: GetUpload,
{
    let upload = find(function, call, id).await?;
    // What is no number is no part's.
    let number = number.parse().unwrap_or(0);
    let put = sign_part(&function.objects, &function.policy, call.now, &upload, number).await?;
    Ok(Reply::json(StatusCode::OK, &PartView::new(&put, call.now)))
}

async fn complete<O, U>(function: &Companion<O, U>, call: &Call, id: &str) -> Result<Reply, Problem>
where
    O: Objects,
    U: GetUpload + UpdateUpload,
{
    let Companion { objects, uploads, bucket, cdn_url, .. } = function;
    let said = named_parts(call)?;
    let Upload { owner, id, .. } = find(function, call, id).await?;
    // Uppy knows no "not yet": up to 5 it aborts whatever is not a success, and 6 asks nothing twice. S3 finishes what it has begun, and
    // its event has the file verified, as that of a form is.
    let (Confirmed::File(upload) | Confirmed::UnderWay(upload, _)) =
        confirm_upload(objects, uploads, call.now, owner, id, &said).await?;
    Ok(Reply::json(StatusCode::OK, &CompletedView::new(&upload, cdn_url, bucket)))
}

async fn abort<O, U>(function: &Companion<O, U>, call: &Call, id: &str) -> Result<Reply, Problem>
where
    O: HeadObject + DeleteVersion + AbortMultipart,
    U: GetUpload + UpdateUpload,
{
    let Upload { owner, id, .. } = find(function, call, id).await?;
    cancel_upload(&function.objects, &function.uploads, owner, id).await?;
    Ok(Reply::json(StatusCode::OK, &nothing()))
}

async fn sign<O, U>(function: &Companion<O, U>, call: &Call) -> Result<Reply, Problem>
where
    O: PresignPost + PresignPart + PresignMultipart + AbortMultipart,
    U: PutUploads + GetUpload + GetUsage + UpdateUpload,
{
    let Companion { objects, uploads, policy, .. } = function;
    let (now, owner) = (call.now, call.owner);
    let new_id = || UploadId::new(valet_lambda::new_uuid());
    let reply = |upload: &Upload, view: &SignView| Reply::json(StatusCode::OK, view).about(upload.id);
    Ok(match uppy_sign(call)? {
        UppySign::File(new) => {
            let (upload, form) = issue_form(objects, uploads, policy, now, owner, new_id(), &new).await?;
            reply(&upload, &SignView::form(&upload, &form))
        }
        UppySign::Parts(new) => {
            let (upload, create) = grant_parts(objects, uploads, policy, now, owner, new_id(), &new).await?;
            reply(&upload, &SignView::call(&upload, &create))
        }
        UppySign::Call { own, call } => {
            let (upload, signed) = sign_own_call(objects, uploads, policy, now, owner, &own, call).await?;
            reply(&upload, &SignView::call(&upload, &signed))
        }
    })
}

#[cfg(test)]
mod tests;
