//! Decodes a request, calls one use case, encodes its result. The rules are in `valet-core`.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use std::convert::Infallible;
use valet_core::ports::{DeleteVersions, GetUpload, InvalidateCopies, ListReady, ListVersions, UpdateUpload};
use valet_core::{delete_file, list_files, read_file};
use valet_http::{
    Call, FileUrlView, FileView, FilesQuery, FilesView, Problem, Reply, files_query, respond,
    wanted_thumbnail,
};

/// What this function works with.
pub(crate) struct ManageFiles<O, U, C> {
    pub(crate) objects: O,
    pub(crate) uploads: U,
    pub(crate) cdn: C,
    pub(crate) cdn_url: String,
}

/// Answers one request.
pub(crate) async fn handle<O, U, C>(
    function: &ManageFiles<O, U, C>,
    request: Request,
) -> Result<Response<Body>, Infallible>
where
    O: ListVersions + DeleteVersions,
    U: ListReady + GetUpload + UpdateUpload,
    C: InvalidateCopies,
{
    respond(request, async |call| {
        let (method, path) = call.route();
        match (method, path.as_slice()) {
            ("GET", ["v1", "files"]) => list(function, call).await,
            ("GET", ["v1", "files", id]) => read(function, call, id).await,
            ("GET", ["v1", "files", id, "url"]) => url(function, call, id).await,
            ("DELETE", ["v1", "files", id]) => delete(function, call, id).await,
            _ => Err(Problem::NoRoute),
        }
    })
    .await
}

async fn list<O, U: ListReady, C>(function: &ManageFiles<O, U, C>, call: &Call) -> Result<Reply, Problem> {
    let FilesQuery { after, size } = files_query(call)?;
    let page = list_files(&function.uploads, call.owner, after, size).await?;
    Ok(Reply::json(StatusCode::OK, &FilesView::new(&page, &function.cdn_url)))
}

async fn read<O, U: GetUpload, C>(
    function: &ManageFiles<O, U, C>,
    call: &Call,
    id: &str,
) -> Result<Reply, Problem> {
    let upload = read_file(&function.uploads, call.owner, Call::upload_id(id)?).await?;
    Ok(Reply::json(StatusCode::OK, &FileView::new(&upload, &function.cdn_url)))
}

async fn url<O, U: GetUpload, C>(
    function: &ManageFiles<O, U, C>,
    call: &Call,
    id: &str,
) -> Result<Reply, Problem> {
    let (id, thumbnail) = (Call::upload_id(id)?, wanted_thumbnail(call)?);
    let upload = read_file(&function.uploads, call.owner, id).await?;
    let view = FileUrlView::new(&upload, thumbnail.as_deref(), &function.cdn_url)?;
    Ok(Reply::json(StatusCode::OK, &view))
}

async fn delete<O, U, C>(function: &ManageFiles<O, U, C>, call: &Call, id: &str) -> Result<Reply, Problem>
where
    O: ListVersions + DeleteVersions,
    U: GetUpload + UpdateUpload,
    C: InvalidateCopies,
{
    let ManageFiles { objects, uploads, cdn, .. } = function;
    delete_file(objects, uploads, cdn, call.now, call.owner, Call::upload_id(id)?).await?;
    Ok(Reply::empty())
}

#[cfg(test)]
mod tests;
