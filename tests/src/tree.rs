//! The tree that rsync serves: 2,000 files, 200 MB, the same bytes every time.

use crate::{failure, paths};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Number of files.
pub const FILES: u64 = 2000;

/// Generates the tree once a checkout, and returns where it is.
///
/// # Errors
/// The disk is full, or the target directory not writable.
pub fn source() -> io::Result<PathBuf> {
    let peers = paths::repository().join("target/peers");
    fs::create_dir_all(&peers)?;
    // Tests run side by side; the first one generates, the others wait.
    let lock = fs::File::create(peers.join("tree.lock"))?;
    lock.lock()?;
    let place = peers.join("tree");
    if !place.is_dir() {
        let draft = peers.join("tree.draft");
        if draft.exists() {
            fs::remove_dir_all(&draft)?;
        }
        generate(&draft)?;
        fs::rename(&draft, &place)?;
    }
    Ok(place)
}

fn generate(root: &Path) -> io::Result<()> {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut bytes = vec![0; 200_000];
    for number in 0..FILES {
        let directory = root.join(format!("shelf-{:02}", number % 40));
        fs::create_dir_all(&directory)?;
        noise.fill(&mut bytes);
        // Sizes from 0 to 200,000 bytes with a mean of 100,000: 200 MB in all.
        let size = number * 200_000 / (FILES - 1);
        let content = bytes
            .get(..usize::try_from(size).unwrap_or(0))
            .unwrap_or_default();
        fs::File::create(directory.join(format!("file-{number:04}")))?.write_all(content)?;
    }
    Ok(())
}

/// xorshift64: quick, and nothing that compresses.
struct Noise(u64);

impl Noise {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_exact_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            chunk.copy_from_slice(&self.0.to_le_bytes());
        }
    }
}

/// Compares two trees byte for byte.
///
/// # Errors
/// Names the first file that is missing, too much or different.
pub fn same(left: &Path, right: &Path) -> io::Result<()> {
    let names = entries(left)?;
    if names != entries(right)? {
        return Err(failure(format!(
            "{} and {} list differently",
            left.display(),
            right.display()
        )));
    }
    for name in names {
        let (one, two) = (left.join(&name), right.join(&name));
        if one.is_dir() {
            same(&one, &two)?;
        } else if fs::read(&one)? != fs::read(&two)? {
            return Err(failure(format!(
                "{} differs from {}",
                two.display(),
                one.display()
            )));
        }
    }
    Ok(())
}

fn entries(directory: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names: Vec<_> = fs::read_dir(directory)?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_a_missing_file_and_an_extra_file_are_seen() {
        let base = std::env::temp_dir().join(format!("portreeve-tree-{}", std::process::id()));
        let (one, two) = (base.join("one"), base.join("two"));
        for root in [&one, &two] {
            fs::create_dir_all(root.join("sub")).unwrap();
            fs::write(root.join("sub/file"), b"same").unwrap();
        }
        same(&one, &two).unwrap();
        fs::write(two.join("sub/file"), b"sane").unwrap();
        same(&one, &two).unwrap_err();
        fs::remove_file(two.join("sub/file")).unwrap();
        same(&one, &two).unwrap_err();
        fs::write(two.join("sub/file"), b"same").unwrap();
        fs::write(two.join("sub/more"), b"").unwrap();
        same(&one, &two).unwrap_err();
        fs::remove_dir_all(&base).unwrap();
    }
}
