//! Zip files: Inspect's `.eval` logs and plain archives of JSON files. Members are unpacked one at a time, on demand.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::sync::Arc;

use zip::ZipArchive;

use crate::model::Fault;
use crate::store::bytes::SharedFile;

/// An open zip file. The handle stays open, so that replacing the file on the disk changes nothing here.
#[derive(Debug)]
pub(super) struct Zipped {
    archive: ZipArchive<SharedFile>,
    /// Member names, in the archive's order.
    names: Vec<String>,
}

impl Zipped {
    /// Members above this size are faults: no trajectory is that long, but a zip bomb is.
    const MEMBER_BYTES: u64 = 2 << 30;

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
                return Err(io::Error::other("longer than 2 GiB"));
            }
            Ok(bytes)
        };
        unpack().map_err(|err| Fault::new(format!("member {name} cannot be unpacked: {err}")))
    }
}
