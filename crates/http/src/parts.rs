//! What requests say about parts: `POST …/parts`, `POST …/confirm` and `GET …?include=parts`.

use crate::fields::Fields;
use crate::{Call, Problem};
use valet_core::Error;
use valet_core::complete_upload::Said;
use valet_core::error::FieldError;
use valet_core::parts::PartNumber;
use valet_core::sign_parts::AskedPart;

/// The parts a call asks to be signed.
pub fn asked_parts(call: &Call) -> Result<Vec<AskedPart>, Problem> {
    let body = call.json_object()?;
    let mut fields = Fields::default();
    let asked = fields.objects(&body, "parts", "/parts").into_iter().enumerate().map(|(index, part)| {
        let pointer = format!("/parts/{index}");
        let number =
            fields.number(part, "partNumber", &format!("{pointer}/partNumber"), "must be a whole number");
        AskedPart { number, crc64nvme: fields.checksum(part, "crc64nvme", &format!("{pointer}/checksum")) }
    });
    let asked = asked.collect();
    Ok(fields.finish(asked)?)
}

/// What a call that confirms says about what it has sent. A call without a body says nothing.
pub fn said(call: &Call) -> Result<Said, Problem> {
    if call.has_no_body() {
        return Ok(Said::default());
    }
    let body = call.json_object()?;
    let mut fields = Fields::default();
    let crc64nvme = fields.checksum(&body, "crc64nvme", "/checksum");
    let etags = fields.objects(&body, "parts", "/parts").into_iter().enumerate().map(|(index, part)| {
        let pointer = format!("/parts/{index}");
        let number =
            fields.number(part, "partNumber", &format!("{pointer}/partNumber"), "must be a whole number");
        (number, fields.text(part, "etag", &format!("{pointer}/etag")))
    });
    let etags = etags.collect();
    Ok(fields.finish(Said { crc64nvme, etags })?)
}

/// Which parts a call wants to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// None: the upload alone.
    Nothing,
    /// Those behind a number, or from the first on.
    Parts(Option<PartNumber>),
}

/// Reads `include` and `after`.
pub fn include(call: &Call) -> Result<Include, Problem> {
    let query = call.query(&["include", "after"])?;
    let wrong = |pointer: &'static str, detail: &str| {
        Err(Error::InvalidRequest(vec![FieldError::new(pointer, detail)]).into())
    };
    let after = match query.get("after").map(|after| after.parse().ok().and_then(PartNumber::new)) {
        Some(None) => return wrong("after", "must be the number of a part"),
        after => after.flatten(),
    };
    match query.get("include").map(String::as_str) {
        Some("parts") => Ok(Include::Parts(after)),
        None if after.is_none() => Ok(Include::Nothing),
        None => wrong("after", "goes with include=parts"),
        Some(_) => wrong("include", "can be: parts"),
    }
}
