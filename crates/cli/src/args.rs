//! The command line. Its help is the manual.

use crate::connect::Connection;
use crate::get::GetArgs;
use crate::limits::LimitsArgs;
use crate::list::ListArgs;
use crate::output::Output;
use crate::probe::ProbeArgs;
use crate::reindex::ReindexArgs;
use crate::remove::RemoveArgs;
use crate::resume::ResumeArgs;
use crate::upload::UploadArgs;
use crate::usage::UsageArgs;
use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Examples:
  export VALET_API=https://abc.execute-api.eu-central-1.amazonaws.com
  export VALET_TOKEN_FILE=~/.valet-token
  valet upload film.mp4                       send a file; Ctrl-C stops it, `valet resume` goes on
  valet upload --parallel 16 photos/          everything below a folder
  ffmpeg … | valet upload --name cut.webm -   standard input
  valet ls --limit 10                         the newest files
  valet get 01936f2e-8b5a-7c3d-9e4f-0123456789ab -o film.mp4
  valet probe                                 does this stack refuse what it must?

Exit codes:
    0  done                              4  not found
    1  refused for good, or a hole       5  the network or storage gave up; try or resume
    2  wrong command line                6  the file changed since its upload began
    3  not authorised (401, 403)         7  no room: you hold as much as you may
                                       130  interrupted; an upload can be resumed

Uploads under way are remembered in $XDG_STATE_HOME/valet (~/.local/state/valet): which file,
how large, which upload. No token and no signed URL is ever written there.";

const UPLOAD_HELP: &str = "\
Sends files to storage and prints the id and the URL of each. Large files go in parts, several at
once; parts that fail go again. Every part and the whole are compared by checksum (CRC64NVME).

An upload that is stopped or breaks off can be taken up for as long as its grant lives (see `valet
limits`): with `valet resume`, or by the same command again, which notices. A file that has changed
meanwhile is begun anew. Of folders, regular files are sent under their path within the folder;
symbolic links are not followed, and types that the stack does not accept are passed over.

Where you have as many uploads pending as you may, it waits for room, ten minutes for a file; `valet
usage` says how much there is.

Standard input is kept in a file first, as a grant is for an exact size; there must be room for it
in $XDG_STATE_HOME/valet. It needs --type, or a --name with a known ending.";

const PROBE_HELP: &str = "\
Uploads small files and then tries what must be refused: other bytes, sizes, types and headers than
granted, no token, forged tokens, other users' ids, the bucket itself, files before they are
verified, plain HTTP, foreign origins, parts out of order. Then removes what it made, also after
Ctrl-C. Each verdict is what was seen:

  held               refused as it must be; where that can be told, the same request done rightly worked
  HOLE               it was let through, or something that must work does not
  not enforced here  let through by the local engine, which is known not to check it
  not tried          something is missing for it, such as a second user's token
  no answer          nothing can be said: no connection, 429 or 5xx

It needs a token like any client's, and waits at the end until a signed URL has ended (15 minutes
unless the stack says less; --quick leaves that out). Ends with 1 if there is a HOLE, and with 5 if
anything got no answer.";

/// Uploads files of any size to a Valet stack, and probes the stack's controls.
#[derive(Parser)]
#[command(name = "valet", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Send files, folders or standard input
    #[command(long_about = UPLOAD_HELP)]
    Upload(UploadArgs),
    /// Go on with uploads that did not end
    Resume(ResumeArgs),
    /// List your files, newest first: id, size, time (UTC), type, name
    Ls(ListArgs),
    /// Download a file and verify it; a download that broke off goes on
    Get(GetArgs),
    /// Delete files for good, or cancel uploads that did not end
    Rm(RemoveArgs),
    /// Say what the stack accepts
    Limits(LimitsArgs),
    /// Say what you hold, and may hold
    Usage(UsageArgs),
    /// Try every control of a stack from outside: what must be refused, and what must work
    #[command(long_about = PROBE_HELP)]
    Probe(ProbeArgs),
    /// For operators: rebuild a table that was set back or lost from the bucket, by `valet-reindex`
    #[command(disable_help_flag = true)]
    Reindex(ReindexArgs),
}

impl Command {
    /// How much is shown.
    pub(crate) fn output(&self) -> Output {
        let (quiet, json) = match self {
            Self::Upload(args) => (args.shown.quiet, args.shown.json),
            Self::Resume(args) => (args.shown.quiet, args.shown.json),
            Self::Get(args) => (args.quiet, false),
            Self::Ls(_)
            | Self::Rm(_)
            | Self::Limits(_)
            | Self::Usage(_)
            | Self::Probe(_)
            | Self::Reindex(_) => (false, false),
        };
        Output::new(quiet, json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
