//! The files of a folder, in a fixed order. Symbolic links are not followed: they may lead anywhere, and in circles.

use std::fs;
use std::path::{Path, PathBuf};

/// What lies below a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) files: Vec<PathBuf>,
    /// What is passed over, and why.
    pub(crate) skipped: Vec<(PathBuf, String)>,
}

/// All regular files below a folder.
pub(crate) fn walk(folder: &Path) -> Found {
    let mut found = Found::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let listed = match fs::read_dir(&folder) {
            Ok(listed) => listed,
            Err(error) => {
                found.skipped.push((folder, format!("cannot be read: {error}")));
                continue;
            }
        };
        for entry in listed.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => found.files.push(path),
                Ok(kind) if kind.is_symlink() => found.skipped.push((path, "a symbolic link".into())),
                _ => found.skipped.push((path, "not a regular file".into())),
            }
        }
    }
    found.files.sort();
    found.skipped.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn regular_files_are_found_and_links_are_not_followed() {
        let folder = std::env::temp_dir().join(format!("valet-test-{}", uuid::Uuid::now_v7()));
        fs::create_dir_all(folder.join("b/c")).unwrap();
        for name in ["a.jpg", "b/c/d.png", "b/a.gif"] {
            fs::write(folder.join(name), name).unwrap();
        }
        symlink(&folder, folder.join("b/circle")).unwrap();
        let found = walk(&folder);
        assert_eq!(found.files, ["a.jpg", "b/a.gif", "b/c/d.png"].map(|name| folder.join(name)));
        assert_eq!(found.skipped, [(folder.join("b/circle"), "a symbolic link".to_owned())]);
    }
}
