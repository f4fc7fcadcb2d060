//! What happened, as CloudWatch metrics within the log; never by owner, upload or key. Every value of a dimension is a
//! metric of its own and costs as much.
//!
//! A metric is a line of JSON on standard output that CloudWatch Logs reads: no call to an API, nothing to wait for, and no
//! right to grant. Source: the embedded metric format,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde_json::{Map, Value, json};
use std::io::Write;
use time::OffsetDateTime;

/// Writes the metrics of one function.
pub struct Metrics {
    service: String,
    function: &'static str,
    write: Box<dyn Fn(&str) + Send + Sync>,
}

/// One number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in the namespace `Valet`.
    pub name: &'static str,
    /// What the number counts.
    pub unit: Unit,
    /// The number.
    pub value: u64,
}

/// What a metric counts, in CloudWatch's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Occurrences.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
}

impl Metric {
    /// So many of these.
    pub const fn count(name: &'static str, value: u64) -> Self {
        Self { name, unit: Unit::Count, value }
    }
}

impl Metrics {
    /// The namespace of all our metrics.
    pub const NAMESPACE: &str = "Valet";

    /// The metrics of `function` in the stack `service`, on standard output.
    pub fn new(service: String, function: &'static str) -> Self {
        Self::with_writer(service, function, |line| {
            // One call for a line, so that no other comes between. A log that is gone is no reason to fail an upload.
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
        })
    }

    /// The same, written line by line by `write`. Every line ends with a line break.
    pub fn with_writer(
        service: String,
        function: &'static str,
        write: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        Self { service, function, write: Box::new(write) }
    }

    /// Counts the start of this process.
    #[must_use]
    pub fn started(self, at: OffsetDateTime) -> Self {
        self.record_by(at, Some(("Function", self.function)), &[Metric::count("ColdStarts", 1)]);
        self
    }

    /// Records what happened at `at`, for the whole service.
    pub fn record(&self, at: OffsetDateTime, metrics: &[Metric]) {
        self.record_by(at, None, metrics);
    }

    /// Records what happened at `at` twice: for the whole service, and apart for this value of another dimension, of which
    /// there must be few.
    pub fn record_by(&self, at: OffsetDateTime, by: Option<(&str, &str)>, metrics: &[Metric]) {
        let mut dimensions = vec![vec!["Service"]];
        let mut line = Map::new();
        line.insert("Service".to_owned(), self.service.as_str().into());
        if let Some((dimension, value)) = by {
            dimensions.push(vec!["Service", dimension]);
            line.insert(dimension.to_owned(), value.into());
        }
        let mut described = Vec::new();
        for metric in metrics {
            described.push(json!({"Name": metric.name, "Unit": metric.unit.as_str()}));
            line.insert(metric.name.to_owned(), metric.value.into());
        }
        let milliseconds = at.unix_timestamp_nanos() / 1_000_000;
        let directive = json!({
            "Timestamp": i64::try_from(milliseconds).unwrap_or_default(),
            "CloudWatchMetrics": [{"Namespace": Self::NAMESPACE, "Dimensions": dimensions, "Metrics": described}],
        });
        line.insert("_aws".to_owned(), directive);
        (self.write)(&format!("{}\n", Value::Object(line)));
    }
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Bytes => "Bytes",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    fn written(record: impl FnOnce(Metrics)) -> Vec<Value> {
        let lines = Arc::new(Mutex::new(String::new()));
        let written = lines.clone();
        record(Metrics::with_writer("valet-dev".to_owned(), "issue-upload", move |line| {
            written.lock().unwrap().push_str(line);
        }));
        let text = lines.lock().unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let at = OffsetDateTime::from_unix_timestamp(1_764_000_000).unwrap();
        let lines = written(|metrics| {
            let bytes = Metric { name: "BytesConfirmed", unit: Unit::Bytes, value: 7 };
            metrics.record(at, &[Metric::count("UploadsConfirmed", 1), bytes]);
        });
        assert_eq!(
            lines,
            [json!({
                "_aws": {
                    "Timestamp": 1_764_000_000_000_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Valet",
                        "Dimensions": [["Service"]],
                        "Metrics": [
                            {"Name": "UploadsConfirmed", "Unit": "Count"},
                            {"Name": "BytesConfirmed", "Unit": "Bytes"},
                        ],
                    }],
                },
                "Service": "valet-dev",
                "UploadsConfirmed": 1,
                "BytesConfirmed": 7,
            })]
        );
    }

    #[test]
    fn another_dimension_counts_apart_and_in_the_whole() {
        let lines = written(|metrics| drop(metrics.started(OffsetDateTime::UNIX_EPOCH)));
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            json!([["Service"], ["Service", "Function"]])
        );
        assert_eq!((&line["Function"], &line["ColdStarts"]), (&json!("issue-upload"), &json!(1)));
    }
}
