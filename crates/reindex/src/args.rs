//! The command line. Its help is the manual.

use clap::{Parser, ValueEnum};

const LONG_ABOUT: &str = "\
Makes the rows of a table that was set back to an earlier time, or lost, agree with the bucket
again. A version that is tagged as verified gets its row back; a pending upload whose file lies
there is settled; a ready row whose version is gone becomes a tombstone. What nobody has verified
is never made a file, and what was rejected, cancelled, deleted or has expired is never brought
back.

It may be broken off, run again, and run while the stack serves. Stop the sweep and the trigger of
the arrivals before you touch the table, and read \"The table was set back, or lost\" in
docs/OPERATIONS.md.

Credentials are read from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
AWS_SESSION_TOKEN. From a profile or a role:

  eval \"$(aws configure export-credentials --format env)\"";

const AFTER_HELP: &str = "\
Each upload that was not in order is one line, its owner and its id:
  rebuilt     it had no row, and has one again; its name is its id
  verified    it was pending, and is a file now
  rejected    it was pending, and what lay there was not what was granted
  deleted     its row said ready and its file is gone
  unsettled   it is pending and something lies there (a dry run, or no verdict yet)
  unverified  it has no row and was never verified; the sweep removes it
  unscanned   it has no row and was verified, and no scanner has found it clean; left alone: have it
              scanned and run this again, or remove it
  unlike      it has no row, and what lies there is not what its key says; left alone
  hidden      it has no row, and a delete marker lies on top; left alone
  late        it ended without a file, and something lies there; the sweep removes it
  beside      other versions lie beside the verified one; the sweep removes them

Exit codes:
    0  done                                   3  AWS refuses these credentials
    1  broken off, or something must be       5  something failed that may pass: run it again
       mended first
    2  wrong command line, no credentials";

/// Rebuilds the rows of the uploads' table from the bucket
#[derive(Parser)]
#[command(name = "valet-reindex", bin_name = "valet reindex", version, max_term_width = 100)]
#[command(long_about = LONG_ABOUT, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The stack's output `BucketName`
    #[arg(long, value_name = "NAME")]
    pub(crate) bucket: String,
    /// The account the bucket must belong to
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    pub(crate) bucket_owner: String,
    /// The stack's output `TableName`
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
    /// The stack's region, unless `AWS_REGION` names it
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Whether the stack scans for malware (its parameter `MalwareScan`): then only what was found clean gets its row back, and the
    /// scanner's tag is kept
    #[arg(long, value_name = "ON|OFF")]
    pub(crate) malware_scan: MalwareScan,
    /// Change nothing, and say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Most files that the table tells of are gone, and that is right. Without it, that stops the run: it is what another stack's
    /// bucket looks like
    #[arg(long)]
    pub(crate) expect_missing: bool,
}

/// Nothing is taken for granted here: what is wrongly off would write over the scanner's tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MalwareScan {
    /// `MalwareScan` is `guardduty` or `external`
    On,
    /// `MalwareScan` is `off`
    Off,
}

impl Arguments {
    /// A variable of the environment, or what the command line says in its place.
    pub(crate) fn setting(&self, name: &str, environment: impl Fn(&str) -> Option<String>) -> Option<String> {
        match name {
            "AWS_REGION" => self
                .region
                .clone()
                .or_else(|| environment(name).filter(|region| !region.is_empty()))
                .or_else(|| environment("AWS_DEFAULT_REGION")),
            _ => environment(name),
        }
    }
}

fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| text.to_owned()).ok_or_else(|| "an account is 12 digits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use valet_core::reindex::Outcome;

    fn parse(more: &[&str]) -> Arguments {
        let given =
            ["valet-reindex", "--bucket=b", "--bucket-owner=123456789012", "--table=t", "--malware-scan=off"];
        Arguments::try_parse_from(given.iter().chain(more)).unwrap()
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_explains_every_word_that_is_printed() {
        let help = Arguments::command().render_long_help().to_string();
        for outcome in Outcome::ALL {
            let begins = |line: &str| line.trim_start().starts_with(&format!("{} ", outcome.as_str()));
            assert!(help.lines().any(begins), "{outcome:?}");
        }
    }

    #[test]
    fn the_region_is_the_flags_then_the_sdks_then_the_command_lines() {
        let set =
            |names: &'static [&str]| move |name: &str| names.contains(&name).then(|| format!("by {name}"));
        let both = set(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
        assert_eq!(parse(&["--region=r"]).setting("AWS_REGION", both).unwrap(), "r");
        let both = set(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
        assert_eq!(parse(&[]).setting("AWS_REGION", both).unwrap(), "by AWS_REGION");
        let default = set(&["AWS_DEFAULT_REGION"]);
        assert_eq!(parse(&[]).setting("AWS_REGION", default).unwrap(), "by AWS_DEFAULT_REGION");
        assert_eq!(parse(&["--region=r"]).setting("AWS_SESSION_TOKEN", |_| None), None);
    }

    #[test]
    fn an_account_is_twelve_digits() {
        assert!(account("123456789012").is_ok());
        for other in ["", "12345678901", "12345678901x", "1234567890123"] {
            assert!(account(other).is_err(), "{other}");
        }
    }
}
