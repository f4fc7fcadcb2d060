//! The JSON of what an owner holds and may hold. Field names here are API; nothing here counts anything.

use serde::Serialize;
use valet_core::usage::{Quota, Usage};

/// What the caller holds, beside the limit of each where there is one.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageView {
    files: CountView,
    bytes: CountView,
    pending: CountView,
    grants_per_minute: CountView,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct CountView {
    used: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
}

impl UsageView {
    /// What is held, beside what may be.
    pub fn new(usage: &Usage, quota: &Quota) -> Self {
        let count = |used, limit| CountView { used, limit };
        Self {
            files: count(usage.files, quota.files),
            bytes: count(usage.bytes, quota.bytes),
            pending: count(usage.pending, quota.pending),
            grants_per_minute: count(usage.granted, quota.grants_per_minute),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_count_stands_beside_its_own_limit_and_none_where_there_is_none() {
        let usage = Usage { files: 3, bytes: 500, pending: 1, granted: 2, ..Usage::default() };
        let quota =
            Quota { files: Some(10), bytes: Some(1000), pending: Some(5), grants_per_minute: Some(60) };
        let told = |quota| serde_json::to_value(UsageView::new(&usage, &quota)).unwrap();
        assert_eq!(
            told(quota),
            json!({
                "files": {"used": 3, "limit": 10}, "bytes": {"used": 500, "limit": 1000},
                "pending": {"used": 1, "limit": 5}, "grantsPerMinute": {"used": 2, "limit": 60},
            })
        );
        assert_eq!(
            told(Quota { bytes: None, ..quota }),
            json!({
                "files": {"used": 3, "limit": 10}, "bytes": {"used": 500},
                "pending": {"used": 1, "limit": 5}, "grantsPerMinute": {"used": 2, "limit": 60},
            })
        );
    }
}
