//! `valet-reindex`, which `valet reindex` runs: an operator's program, with an operator's rights to bucket and table.
//!
//! It wires the use case to AWS and says what it came to. It must never print a file's name, a signed URL or a credential.

mod args;
mod output;

use args::{Arguments, MalwareScan};
use clap::Parser;
use output::Exit;
use std::env;
use std::process::ExitCode;
use time::OffsetDateTime;
use valet_aws::{Connection, S3Bucket, UploadsTable};
use valet_core::reindex;
use valet_core::reindex::{Report, Run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Arguments::parse();
    let connection = match Connection::from_lookup(|name| args.setting(name, |name| env::var(name).ok())) {
        Ok(connection) => connection,
        Err(problems) => return output::cannot_begin(&problems).into(),
    };
    let has_scanner = args.malware_scan == MalwareScan::On;
    let objects = S3Bucket::new(&connection, args.bucket, args.bucket_owner).scanned(has_scanner);
    let uploads = UploadsTable::new(&connection, args.table);
    let run = Run {
        now: OffsetDateTime::now_utc(),
        has_scanner,
        is_dry: args.dry_run,
        expects_missing: args.expect_missing,
    };
    let mut report = Report::default();
    // Boxed, as the nested futures of the SDK's calls exceed the compiler's limit for one type.
    Box::pin(reindex(&objects, &uploads, &run, &mut report, output::tell)).await;
    output::sum_up(&report, run.is_dry);
    Exit::of(&report).into()
}
