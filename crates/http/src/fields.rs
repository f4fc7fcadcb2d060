//! Typed access to the JSON of a request. Every wrong field is remembered by its pointer, so that all are named at once; what the values
//! must be is `valet-core`'s to say.

use serde_json::{Map, Value};
use valet_core::Error;
use valet_core::error::FieldError;

/// The most wrong fields that are named: a list of 10,000 can be wrong in each.
const MAX_ERRORS: usize = 20;

/// Reads fields; a wrong one leaves an error and an empty value behind.
#[derive(Default)]
pub(crate) struct Fields {
    errors: Vec<FieldError>,
}

impl Fields {
    /// Remembers what is wrong with a field.
    pub(crate) fn wrong(&mut self, pointer: &str, detail: &str) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(FieldError::new(pointer.to_owned(), detail));
        }
    }

    /// What was read, unless something was wrong.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Error> {
        if self.errors.is_empty() { Ok(value) } else { Err(Error::InvalidRequest(self.errors)) }
    }

    /// One thing that is wrong, and nothing read.
    pub(crate) fn only<T>(pointer: &str, detail: &str) -> Result<T, Error> {
        Err(Error::InvalidRequest(vec![FieldError::new(pointer.to_owned(), detail)]))
    }

    /// A string that must be there.
    pub(crate) fn text(&mut self, body: &Map<String, Value>, name: &str, pointer: &str) -> String {
        match body.get(name) {
            Some(Value::String(text)) => return text.clone(),
            Some(_) => self.wrong(pointer, "must be a string"),
            None => self.wrong(pointer, "is required"),
        }
        String::new()
    }

    /// A whole number that must be there.
    pub(crate) fn number(
        &mut self,
        body: &Map<String, Value>,
        name: &str,
        pointer: &str,
        detail: &str,
    ) -> u64 {
        match body.get(name).map(whole) {
            Some(Some(number)) => return number,
            Some(None) => self.wrong(pointer, detail),
            None => self.wrong(pointer, "is required"),
        }
        0
    }

    /// A whole number. One that is absent or null asks for nothing.
    pub(crate) fn optional_number(
        &mut self,
        body: &Map<String, Value>,
        name: &str,
        pointer: &str,
        detail: &str,
    ) -> Option<u64> {
        let number = whole(present(body, name)?);
        if number.is_none() {
            self.wrong(pointer, detail);
        }
        number
    }

    /// One checksum of a `checksum` object. One that is absent or null asks for nothing.
    pub(crate) fn checksum(
        &mut self,
        body: &Map<String, Value>,
        algorithm: &str,
        pointer: &str,
    ) -> Option<String> {
        match present(body, "checksum")? {
            Value::Object(checksum) => match present(checksum, algorithm)? {
                Value::String(text) => return Some(text.clone()),
                _ => self.wrong(&format!("{pointer}/{algorithm}"), "must be a string"),
            },
            _ => self.wrong(pointer, "must be an object"),
        }
        None
    }

    /// The items of a list. One that is absent or null has none.
    pub(crate) fn list<'a>(
        &mut self,
        body: &'a Map<String, Value>,
        name: &str,
        pointer: &str,
    ) -> &'a [Value] {
        match present(body, name) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.wrong(pointer, "must be a list");
                &[]
            }
        }
    }

    /// The objects of a list. One that is absent or null has none.
    pub(crate) fn objects<'a>(
        &mut self,
        body: &'a Map<String, Value>,
        name: &str,
        pointer: &str,
    ) -> Vec<&'a Map<String, Value>> {
        let items = self.list(body, name, pointer);
        let mut objects = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item {
                Value::Object(object) => objects.push(object),
                _ => self.wrong(&format!("{pointer}/{index}"), "must be an object"),
            }
        }
        objects
    }
}

/// A whole number, `780.0` among them: to JSON it is the same. Beyond 2^53 such a spelling no longer tells which one it is.
fn whole(value: &Value) -> Option<u64> {
    let is_exact = |number: &f64| number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(number);
    value.as_u64().or_else(|| format!("{:.0}", value.as_f64().filter(is_exact)?).parse().ok())
}

fn present<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}
