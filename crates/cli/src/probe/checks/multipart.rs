//! Parts are held to their grant like a single PUT, and a file of parts to all of them.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome, answered};
use super::super::stack::{Grant, sha256};
use super::super::web::{Answer, Ask, NoAnswer};
use super::stored;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum};
use serde_json::{Value, json};
use std::time::Duration;

/// Of the last part, which is all that most checks send.
const LAST_PART: usize = 1000;
const CONFIRM_PATIENCE: Duration = Duration::from_mins(2);

pub(in super::super) const GROUP: Group = Group {
    title: "Parts are held to their grant",
    checks: &[
        Check {
            id: "parts-upload",
            title: "upload in two parts, read it",
            expected: "200, the very bytes",
            run: upload,
        },
        Check {
            id: "part-length",
            title: "a part one byte longer or shorter",
            expected: "403",
            run: other_length,
        },
        Check {
            id: "part-number",
            title: "a part's URL for another part",
            expected: "403",
            run: other_number,
        },
        Check {
            id: "part-hash",
            title: "other bytes than the part's checksum",
            expected: "400",
            run: other_bytes,
        },
        Check {
            id: "parts-missing",
            title: "confirm with a part missing",
            expected: "409 not_uploaded",
            run: missing,
        },
        Check {
            id: "parts-differ",
            title: "confirm with another checksum",
            expected: "409 parts_mismatch",
            run: differ,
        },
        Check {
            id: "part-cancelled",
            title: "a part after the cancel",
            expected: "403 or 404",
            run: cancelled,
        },
    ],
};

/// A multipart upload of two parts, and what it is of.
struct TwoParts {
    grant: Grant,
    content: Vec<u8>,
    first: usize,
}

impl TwoParts {
    fn path(&self, rest: &str) -> String {
        format!("/v1/uploads/{}{rest}", self.grant.id)
    }

    fn body(&self, number: usize) -> &[u8] {
        if number == 1 { &self.content[..self.first] } else { &self.content[self.first..] }
    }

    /// The PUT of a part as it was granted.
    fn put(&self, number: usize) -> Result<Ask, NoAnswer> {
        let signed = self.grant.parts()?.get(number - 1);
        Ok(signed.ok_or_else(|| NoAnswer(format!("part {number} was not signed")))?.ask(self.body(number)))
    }
}

/// A grant for two parts, or why there is none.
fn two_parts(probe: &Probe) -> Result<Result<TwoParts, Finding>, NoAnswer> {
    let not_tried = |why: &str| Ok(Err(Finding::NotTried(why.into())));
    let Some(limits) = &probe.limits.parts else { return not_tried("this stack knows no parts") };
    let Ok(first) = usize::try_from(limits.min_size) else {
        return not_tried("its parts are too large to try");
    };
    let size = first + LAST_PART;
    let fits = |max: u64| u64::try_from(size).is_ok_and(|size| size <= max);
    let roomy = probe.accepted(|sample, limit| !sample.is_image && fits(limit.max_size));
    let Some(sample) = roomy.or_else(|| probe.accepted(|_, limit| fits(limit.max_size))) else {
        return not_tried("no type may be larger than a part");
    };
    // Pseudo-random, so that no two stretches are alike.
    let mut content = sample.content.to_vec();
    let mut state = 1_u32;
    content.resize_with(size, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let wanted = json!({"filename": "valet-probe", "contentType": sample.content_type, "size": size, "partSize": first});
    Ok(Ok(TwoParts { grant: probe.grant_of(&wanted)?, content, first }))
}

fn upload(probe: &Probe) -> Outcome {
    let upload = match two_parts(probe)? {
        Ok(upload) => upload,
        Err(finding) => return Ok(finding),
    };
    for number in [1, 2] {
        let put = probe.web.send(&upload.put(number)?)?;
        if put.status != 200 {
            return Ok(Finding::Broken(format!("part {number}: {}", put.told())));
        }
    }
    let confirmed = confirm(probe, &upload, &crc_of(&upload.content))?;
    let file = confirmed.json();
    let (200, Some(url)) = (confirmed.status, file["fileUrl"].as_str()) else {
        return Ok(Finding::Broken(format!("confirm: {}", confirmed.told())));
    };
    let served = probe.web.send(&Ask::new("GET", url))?;
    Ok(match served.status {
        200 if sha256(&served.body) == sha256(&upload.content) => Finding::Held("200, the very bytes".into()),
        200 => Finding::Broken("200 with other bytes".into()),
        _ => Finding::Broken(served.told()),
    })
}

fn crc(content: &[u8]) -> String {
    STANDARD.encode(checksum(CrcAlgorithm::Crc64Nvme, content).to_be_bytes())
}

fn crc_of(content: &[u8]) -> Value {
    json!({"checksum": {"crc64nvme": crc(content)}})
}

/// Confirms, as often as S3 is still putting the parts together.
fn confirm(probe: &Probe, upload: &TwoParts, body: &Value) -> Result<Answer, NoAnswer> {
    let ask = || probe.call("POST", &upload.path("/confirm"), Some(body));
    probe.until(CONFIRM_PATIENCE, ask, |answer| answer.status != 202)
}

fn other_length(probe: &Probe) -> Outcome {
    let upload = match two_parts(probe)? {
        Ok(upload) => upload,
        Err(finding) => return Ok(finding),
    };
    let (body, exact) = (upload.body(2), upload.put(2)?);
    for (name, wrong) in [("longer", [body, b"\n"].concat()), ("shorter", body[1..].to_vec())] {
        if let Finding::Broken(seen) = answered(&probe.web.send(&exact.clone().body(wrong))?, &[403]) {
            return Ok(Finding::Broken(format!("{name}: {seen}")));
        }
    }
    stored(&probe.web.send(&exact)?)?;
    Ok(Finding::Held("403 x2".into()))
}

fn other_number(probe: &Probe) -> Outcome {
    let upload = match two_parts(probe)? {
        Ok(upload) => upload,
        Err(finding) => return Ok(finding),
    };
    let exact = upload.put(2)?;
    let url = exact.url.replace("partNumber=2", "partNumber=3");
    if url == exact.url {
        return Err(NoAnswer("the part's URL names no partNumber".into()));
    }
    let finding = answered(&probe.web.send(&Ask { url, ..exact.clone() })?, &[403]);
    if matches!(finding, Finding::Held(_)) {
        stored(&probe.web.send(&exact)?)?;
    }
    Ok(finding)
}

fn other_bytes(probe: &Probe) -> Outcome {
    let upload = match two_parts(probe)? {
        Ok(upload) => upload,
        Err(finding) => return Ok(finding),
    };
    let wanted = json!({"parts": [{"partNumber": 2, "checksum": {"crc64nvme": crc(upload.body(2))}}]});
    let answer = probe.call("POST", &upload.path("/parts"), Some(&wanted))?;
    if answer.status != 200 {
        return Err(NoAnswer(format!("the part was not signed: {}", answer.told())));
    }
    let [signed]: [super::super::stack::Signed; 1] =
        serde_json::from_value(answer.json()["parts"].clone())
            .map_err(|_| NoAnswer("the signed part is not understood".into()))?;
    let exact = signed.ask(upload.body(2));
    let other: Vec<u8> = upload.body(2).iter().rev().copied().collect();
    let finding = answered(&probe.web.send(&exact.clone().body(other))?, &[400]);
    if matches!(finding, Finding::Held(_)) {
        stored(&probe.web.send(&exact)?)?;
    }
    Ok(finding)
}

fn missing(probe: &Probe) -> Outcome {
    let upload = match two_parts(probe)? {
        Ok(upload) => upload,
        Err(finding) => return Ok(finding),
    };
    stored(&probe.web.send(&upload.put(2)?)?)?;
    let answer = confirm(probe, &upload, &json!({}))?;
    Ok(refused_as(&answer, 409, "not_uploaded"))
}

fn differ(probe: &Probe) -> Outcome {
    let upload = match two_parts(probe)? {
        Ok(upload) => upload,
        Err(finding) => return Ok(finding),
    };
    for number in [1, 2] {
        stored(&probe.web.send(&upload.put(number)?)?)?;
    }
    let answer = confirm(probe, &upload, &crc_of(b"something else"))?;
    Ok(refused_as(&answer, 409, "parts_mismatch"))
}

fn refused_as(answer: &Answer, status: u16, code: &str) -> Finding {
    if answer.status == status && answer.code() == code {
        Finding::Held(answer.told())
    } else {
        Finding::Broken(answer.told())
    }
}

fn cancelled(probe: &Probe) -> Outcome {
    let upload = match two_parts(probe)? {
        Ok(upload) => upload,
        Err(finding) => return Ok(finding),
    };
    stored(&probe.web.send(&upload.put(2)?)?)?;
    let cancel = probe.call("DELETE", &upload.path(""), None)?;
    if cancel.status != 204 {
        return Ok(Finding::Broken(format!("the cancel: {}", cancel.told())));
    }
    Ok(answered(&probe.web.send(&upload.put(2)?)?, &[403, 404]))
}
