//! The files of a bundle, unpacked where nothing of them stays behind.
//!
//! On Linux each is a file without a name that is read through `/proc/self/fd`: it is gone with the process, however
//! that ends. Elsewhere, without `/proc`, and of a bundle of more than [`MOST_UNNAMED`] files, they are in a
//! [private folder](crate::private_folder).

use super::read::Bag;
use crate::error::{IoContext, Result};
use crate::private_folder::{PrivateFolder, private_folder};
use crate::whole_file::private_options;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Files of a bundle that are kept without a name; each stays open, and a process may open about a thousand.
pub const MOST_UNNAMED: usize = 512;

/// Where the files of a bundle can be read as long as this is there.
#[derive(Debug)]
pub struct HeldFiles {
    paths: BTreeMap<String, PathBuf>,
    _open: Vec<File>,
    _folder: Option<PrivateFolder>,
}

impl HeldFiles {
    /// Where the file of this name below `data/` can be read; none where there is no such file.
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.paths.get(name).map(PathBuf::as_path)
    }
}

impl Bag {
    /// Unpacks its files; each is compared with its hash once more.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where they cannot be written, and as [`content`](Bag::content).
    pub fn hold(&mut self) -> Result<HeldFiles> {
        let files = self.files().to_vec();
        let mut held = HeldFiles { paths: BTreeMap::new(), _open: Vec::new(), _folder: None };
        let mut unnamed = files.len() <= MOST_UNNAMED;
        for (number, file) in files.iter().enumerate() {
            let made = if unnamed { made_unnamed() } else { None };
            unnamed &= made.is_some();
            let (mut out, path) = match made {
                Some((out, path)) => (out, path),
                None => {
                    let folder = match held._folder.take() {
                        Some(folder) => folder,
                        None => private_folder()?,
                    };
                    let path = folder.path().join(number.to_string());
                    held._folder = Some(folder);
                    (private_options().write(true).create_new(true).open(&path).at(&path, "create")?, path)
                }
            };
            self.unpack(file, &mut out, &path)?;
            held.paths.insert(file.name.clone(), path);
            if unnamed {
                held._open.push(out);
            }
        }
        Ok(held)
    }
}

/// A file without a name, and the path by which this process can open it again; none where there is no such path.
#[cfg(target_os = "linux")]
fn made_unnamed() -> Option<(File, PathBuf)> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;
    let file = tempfile::tempfile().ok()?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, named) = (file.metadata().map(id), std::fs::metadata(&path).map(id));
    matches!((open, named), (Ok(open), Ok(named)) if open == named).then_some((file, path))
}

#[cfg(not(target_os = "linux"))]
fn made_unnamed() -> Option<(File, PathBuf)> {
    None
}
