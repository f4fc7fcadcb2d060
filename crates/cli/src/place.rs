//! Where this client keeps what it must remember. The one place that reads the environment by hand.

use crate::failure::{Exit, Failure};
use std::env;
use std::path::PathBuf;

/// `$XDG_STATE_HOME/valet`, or `~/.local/state/valet`. Source: the XDG Base Directory Specification.
pub(crate) fn state_folder() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("valet"))
        .ok_or_else(|| {
            Failure::new(Exit::Usage, "neither XDG_STATE_HOME nor HOME is set; uploads could not be resumed")
        })
}
