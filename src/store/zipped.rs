//! Zip files: Inspect's `.eval` logs and plain archives of JSON files. Members are unpacked one at a time, on demand.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;

use zip::ZipArchive;

use crate::model::Fault;
use crate::store::bytes::SharedFile;

/// The right to unpack a member: whatever the number of threads, few are unpacked at once.
struct Turn;

static TURNS: Mutex<usize> = Mutex::new(4);
static RETURNED: Condvar = Condvar::new();

impl Turn {
    /// Waits for one.
    fn take() -> Self {
        let turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut turns = RETURNED
            .wait_while(turns, |left| *left == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *turns -= 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TURNS.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        RETURNED.notify_one();
    }
}

/// An open zip file. The handle stays open, so that replacing the file on the disk changes nothing here.
#[derive(Debug)]
pub(super) struct Zipped {
    archive: ZipArchive<SharedFile>,
    /// Member names, in the archive's order.
    names: Vec<String>,
}

impl Zipped {
    /// Members above this size are faults: no trajectory is that long, but a zip bomb is.
    const MEMBER_BYTES: u64 = 256 << 20;

    /// Reads the directory of the archive.
    ///
    /// # Errors
    /// What is wrong with the archive, in words.
    pub(super) fn open(file: Arc<File>) -> Result<Self, String> {
        let reader = SharedFile::whole(file).map_err(|err| err.to_string())?;
        let archive = ZipArchive::new(reader).map_err(|err| err.to_string())?;
        let names = (0..archive.len())
            .map(|index| match archive.name_for_index(index) {
                Some(Ok(name)) => name.into_owned(),
                _ => format!("#{index}"),
            })
            .collect();
        Ok(Self { archive, names })
    }

    /// The members' names, in the archive's order; folders end in `/`.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The place of the member called `name`.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|member| member == name)
    }

    /// Unpacks a member.
    ///
    /// # Errors
    /// The fault when it is damaged, encrypted, too long or packed by an unknown method.
    pub(super) fn read(&self, index: usize) -> Result<Vec<u8>, Fault> {
        let _turn = Turn::take();
        let name = self.names.get(index).map_or("?", String::as_str);
        // cloning shares the directory, and gives each reader a place of its own
        let mut archive = self.archive.clone();
        let mut unpack = || -> io::Result<Vec<u8>> {
            let member = archive.by_index(index).map_err(io::Error::other)?;
            let mut bytes = Vec::new();
            member
                .take(Self::MEMBER_BYTES + 1)
                .read_to_end(&mut bytes)?;
            if bytes.len() as u64 > Self::MEMBER_BYTES {
                return Err(io::Error::other("longer than 256 MiB"));
            }
            Ok(bytes)
        };
        unpack().map_err(|err| Fault::new(format!("member {name} cannot be unpacked: {err}")))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_member_above_the_bound_is_a_fault() {
        let mut zip = zip::ZipWriter::new(tempfile::tempfile().unwrap());
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file("bomb.json", options).unwrap();
        let zeros = vec![b'0'; 1 << 20];
        for _ in 0..257 {
            zip.write_all(&zeros).unwrap();
        }
        zip.start_file("small.json", options).unwrap();
        zip.write_all(b"{}").unwrap();
        let zip = Zipped::open(Arc::new(zip.finish().unwrap())).unwrap();
        let fault = zip.read(0).unwrap_err();
        assert!(fault.why.contains("longer than 256 MiB"), "{fault}");
        std::thread::scope(|threads| {
            for _ in 0..16 {
                threads.spawn(|| assert_eq!(zip.read(1).unwrap(), b"{}"));
            }
        });
    }
}
