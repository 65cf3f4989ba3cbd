//! A program to be executed, opened when its service is prepared.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use sys::exec::StringArray;

/// What is executed.
pub(crate) enum Image {
    /// The file opened when the service was prepared: a rename cannot swap it.
    Opened(OwnedFd),
    /// A script, whose interpreter needs a path.
    Path(CString),
}

/// A program with its arguments and environment, ready to be executed many times.
pub struct Program {
    pub(crate) image: Image,
    pub(crate) argv: StringArray,
    pub(crate) envp: StringArray,
}

impl Program {
    /// Opens the executable at `path`.
    ///
    /// # Errors
    /// The system's: the file is missing, is no regular file (`EACCES`), is not executable,
    /// or its path contains a NUL.
    pub fn open(path: &Path, argv: Vec<CString>, envp: Vec<CString>) -> io::Result<Self> {
        let is_script = starts_with_interpreter(path)?;
        let image = if is_script {
            Image::Path(CString::new(path.as_os_str().as_encoded_bytes())?)
        } else {
            let mut options = File::options();
            options.read(true).custom_flags(O_PATH);
            Image::Opened(options.open(path)?.into())
        };
        Ok(Program {
            image,
            argv: StringArray::new(argv),
            envp: StringArray::new(envp),
        })
    }
}

const O_PATH: i32 = 0x20_0000;
const EACCES: i32 = 13;

fn starts_with_interpreter(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(io::Error::from_raw_os_error(EACCES));
    }
    let mut start = [0; 2];
    match File::open(path) {
        Ok(mut file) => Ok(file.read(&mut start)? == 2 && &start == b"#!"),
        // Executable but not readable by an ordinary user: no script, a kernel would not run it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}
