//! The routes: what each is called, takes and answers, and which one follows which. `tests/openapi` compares them with the template's.

use super::answers::{empty_answer, json_answer, json_answer_for_now, problems, rejections};
use super::examples;
use serde_json::{Map, Value, json};
use valet_core::Error;
use valet_core::issue_upload::MAX_IDEMPOTENCY_KEY_LENGTH;
use valet_core::key::ThumbnailName;
use valet_core::list_files::PageSize;
use valet_core::parts::MAX_PARTS;
use valet_core::usage::Resource;

/// A UUID version 7 in its one spelling.
pub(super) const ID_PATTERN: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

/// One route.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    parameters: Vec<Value>,
    body: Option<Body>,
    answers: Vec<(u16, Value)>,
    problems: Vec<Error>,
}

/// What a route takes.
struct Body {
    schema: &'static str,
    required: bool,
    example: Value,
}

impl Route {
    fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
    ) -> Self {
        let parameters = if path.contains("{id}") { vec![id_parameter()] } else { Vec::new() };
        Self {
            method,
            path,
            id,
            tag,
            summary,
            parameters,
            body: None,
            answers: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn with(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    fn takes(self, schema: &'static str, example: Value) -> Self {
        Self { body: Some(Body { schema, required: true, example }), ..self }
    }

    fn may_take(self, schema: &'static str, example: Value) -> Self {
        Self { body: Some(Body { schema, required: false, example }), ..self }
    }

    fn answers(mut self, status: u16, answer: Value) -> Self {
        self.answers.push((status, answer));
        self
    }

    /// What can be asked next with what the last answer says: the operation, and its parameters by runtime expressions.
    fn then(self, name: &str, operation: &str, parameters: Value) -> Self {
        self.link(name, operation, "parameters", parameters)
    }

    /// The same with a body.
    fn then_send(self, name: &str, operation: &str, body: Value) -> Self {
        self.link(name, operation, "requestBody", body)
    }

    fn link(mut self, name: &str, operation: &str, part: &str, what: Value) -> Self {
        let (_, answer) = self.answers.last_mut().expect("a link belongs to an answer");
        let link = &mut answer["links"][name];
        *link = json!({"operationId": operation});
        link[part] = what;
        self
    }

    fn problems(self, problems: impl IntoIterator<Item = Error>) -> Self {
        Self { problems: problems.into_iter().collect(), ..self }
    }

    /// The operation object.
    pub(super) fn operation(self) -> Value {
        let has_body = self.body.is_some();
        let mut answers: Map<String, Value> =
            self.answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
        answers.extend(problems(self.problems, has_body, self.path.contains("{id}")));
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "responses": answers,
        });
        if !self.parameters.is_empty() {
            operation["parameters"] = self.parameters.into();
        }
        if let Some(Body { schema, required, example }) = self.body {
            operation["requestBody"] = json!({
                "required": required,
                "content": {"application/json": {
                    "schema": {"$ref": format!("#/components/schemas/{schema}")},
                    "example": example,
                }},
            });
        }
        operation
    }
}

fn id_parameter() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "example": examples::ID,
        "description": "The id of an upload of the caller's. Any other is 404.",
        "schema": {"type": "string", "format": "uuid", "pattern": ID_PATTERN},
    })
}

fn query(name: &str, description: &str, schema: Value) -> Value {
    let mut parameter = json!({"name": name, "in": "query", "description": description});
    parameter["schema"] = schema;
    parameter
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header", "example": "5d9c1f6e-7a1b-4e55-9d52-1b8f5b0a9c11",
        "description": "Remembered for a day: the same key and body give the same upload again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY_LENGTH, "pattern": "^[!-~]+$"},
    })
}

fn invalid() -> Error {
    Error::InvalidRequest(Vec::new())
}

/// What asking for a grant can come to.
fn refusals() -> Vec<Error> {
    vec![
        invalid(),
        Error::FileTooLarge { max_bytes: 50 << 20 },
        Error::TypeNotAllowed { accepted: "image/jpeg, image/png".to_owned() },
        Error::QuotaExceeded { what: Resource::Bytes, limit: 100 << 30, used: 99 << 30 },
        Error::TooManyPending { limit: 100 },
        Error::TooManyGrants { limit: 600, retry_after: 42 },
    ]
}

fn key_refusals() -> Vec<Error> {
    vec![Error::IdempotencyKeyReused, Error::IdempotencyInProgress]
}

/// What a confirm can come to.
fn confirm_problems() -> Vec<Error> {
    let own = [
        invalid(),
        Error::NotFound,
        Error::NotUploaded { denied: None },
        Error::PartsMismatch,
        Error::InvalidState("cancelled"),
        Error::UploadExpired,
    ];
    own.into_iter().chain(rejections()).collect()
}

/// Every route but Uppy's.
pub(super) fn all() -> Vec<Route> {
    uploads().into_iter().chain(files()).chain(tutorial()).collect()
}

/// What the next route is asked for: the id in the answer.
fn id() -> Value {
    json!({"id": "$response.body#/id"})
}

/// The same id once more.
fn same_id() -> Value {
    json!({"id": "$request.path.id"})
}

fn uploads() -> Vec<Route> {
    vec![
        Route::new("post", "/v1/uploads", "issueUpload", "uploads", "Issues a grant")
            .with(idempotency_key())
            .takes("NewUpload", examples::new_upload())
            .answers(201, json_answer("The grant.", "Grant", examples::grant()))
            .then("read", "readUpload", id())
            .then("signAgain", "resignUpload", id())
            .then("signParts", "signParts", id())
            .then("confirm", "confirmUpload", id())
            .then("cancel", "cancelUpload", id())
            .answers(200, json_answer("A repeated request whose upload is past its grant: nothing is left to send.", "Grant", examples::upload()))
            .problems(refusals().into_iter().chain(key_refusals())),
        Route::new("post", "/v1/uploads/batch", "issueUploads", "uploads", "Issues up to 50 grants, each by itself")
            .with(idempotency_key())
            .takes("NewBatch", examples::new_batch())
            .answers(200, json_answer("A result for each item, in the order asked.", "Batch", examples::batch()))
            .problems([invalid()]),
        Route::new("get", "/v1/uploads/{id}", "readUpload", "uploads", "Reads an upload")
            .with(query("include", "Tells which parts S3 holds.", json!({"type": "string", "enum": ["parts"]})))
            .with(query(
                "after",
                "Goes with include=parts: the page behind this part.",
                json!({"type": "integer", "minimum": 1, "maximum": MAX_PARTS}),
            ))
            .answers(200, json_answer("The upload; with its file once ready.", "Upload", examples::upload()))
            .then("confirm", "confirmUpload", id())
            .then("readFile", "readFile", id())
            .problems([invalid(), Error::NotFound]),
        Route::new("delete", "/v1/uploads/{id}", "cancelUpload", "uploads", "Cancels a pending upload")
            .answers(204, empty_answer("It is cancelled, and what had arrived is removed."))
            .then("read", "readUpload", same_id())
            .problems([Error::NotFound, Error::InvalidState("ready"), Error::UploadExpired]),
        Route::new("post", "/v1/uploads/{id}/url", "resignUpload", "uploads", "Signs the PUT of a pending upload again")
            .answers(200, json_answer("The same grant with a fresh URL.", "Grant", examples::grant()))
            .then("confirm", "confirmUpload", id())
            .problems([Error::NotFound, Error::OtherWay("this file goes up in parts"), Error::UploadExpired]),
        Route::new("post", "/v1/uploads/{id}/parts", "signParts", "uploads", "Signs up to 500 parts of a pending upload")
            .takes("AskedParts", json!({"parts": [{"partNumber": 1}, {"partNumber": 2, "checksum": {"crc64nvme": "rosUhgp5mIg="}}]}))
            .answers(200, json_answer("The parts, in the order asked.", "SignedParts", examples::signed_parts()))
            .then("confirm", "confirmUpload", id())
            .problems([invalid(), Error::NotFound, Error::InvalidState("ready"), Error::UploadExpired]),
        Route::new("post", "/v1/uploads/{id}/confirm", "confirmUpload", "uploads", "Has what arrived verified, and parts put together before")
            .may_take("Said", json!({"checksum": {"crc64nvme": "rosUhgp5mIg="}}))
            .answers(200, json_answer("The file.", "File", examples::file()))
            .then("readFile", "readFile", id())
            .then("url", "fileUrl", id())
            .then("delete", "deleteFile", id())
            .answers(202, json_answer_for_now("S3 is still putting the parts together, or the malware scanner has yet to say something of the file.", "Upload", examples::upload()))
            .then("again", "confirmUpload", id())
            .problems(confirm_problems()),
    ]
}

fn files() -> Vec<Route> {
    vec![
        Route::new("get", "/v1/files", "listFiles", "files", "Lists the caller's files, newest first")
            .with(query(
                "limit",
                "The most files of a page.",
                json!({"type": "integer", "minimum": 1, "maximum": PageSize::MAX, "default": 50}),
            ))
            .with(query(
                "cursor",
                "The nextCursor of an earlier page, and nothing else.",
                json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{48}$"}),
            ))
            .answers(200, json_answer("A page.", "Files", json!({"items": [examples::file()], "nextCursor": examples::CURSOR})))
            .problems([invalid()]),
        Route::new("get", "/v1/files/{id}", "readFile", "files", "Reads a file")
            .answers(200, json_answer("The file.", "File", examples::file()))
            .then("delete", "deleteFile", id())
            .problems([Error::NotFound]),
        Route::new("get", "/v1/files/{id}/url", "fileUrl", "files", "Tells where a file or its thumbnail is public")
            .with(query(
                "thumbnail",
                "The name of one of its thumbnails.",
                json!({"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$", "maxLength": ThumbnailName::MAX_LENGTH}),
            ))
            .answers(200, json_answer("The address at the CDN.", "FileUrl", json!({"id": examples::ID, "url": examples::FILE_URL})))
            .then("delete", "deleteFile", id())
            .problems([invalid(), Error::NotFound, Error::NoThumbnail]),
        Route::new("delete", "/v1/files/{id}", "deleteFile", "files", "Deletes a file for good")
            .answers(204, empty_answer("It is gone, from the CDN too within minutes."))
            .then("readUpload", "readUpload", same_id())
            .then("readFile", "readFile", same_id())
            .problems([Error::NotFound, Error::StillPending]),
        Route::new("get", "/v1/limits", "readLimits", "limits", "Tells what this stack accepts")
            .answers(200, json_answer("The limits.", "Limits", examples::limits())),
        Route::new("get", "/v1/usage", "readUsage", "limits", "Tells what the caller holds, and may hold")
            .answers(200, json_answer("What is held, pending uploads included.", "Usage", examples::usage())),
    ]
}

fn tutorial() -> Vec<Route> {
    vec![
        Route::new("post", "/get-upload-url", "getUploadUrl", "tutorial", "Issues a grant of one PUT")
            .takes("WantedUrl", examples::new_upload())
            .answers(200, json_answer("Where to send the file.", "UploadUrl", examples::upload_url()))
            .then_send("confirm", "confirmKey", json!({"key": "$response.body#/key"}))
            .then("read", "readUpload", id())
            .then("cancel", "cancelUpload", id())
            .problems(refusals()),
        Route::new("post", "/confirm-upload", "confirmKey", "tutorial", "Confirms by key")
            .takes("Arrived", json!({"key": examples::KEY}))
            .answers(200, json_answer("The file.", "Confirmed", examples::confirmed()))
            .then("readFile", "readFile", id())
            .then("delete", "deleteFile", id())
            .answers(
                202,
                json_answer_for_now(
                    "A file in parts that S3 is still putting together, or one that the malware scanner has yet to say something of.",
                    "Upload",
                    examples::upload(),
                ),
            )
            .problems(confirm_problems()),
    ]
}
