//! Scanning zip and tar archives: Inspect logs, event folders, and members that are files of their own.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Span;
use crate::read::Layout;
use crate::read::PartRole;
use crate::read::Shape;
use crate::store::bytes::Bytes;
use crate::store::bytes::SharedFile;
use crate::store::index::Header;
use crate::store::index::PartPlace;
use crate::store::index::PartSpec;
use crate::store::index::file_name;
use crate::store::names;
use crate::store::scan::Origin;
use crate::store::scan::Scan;
use crate::store::scan::Seed;
use crate::store::scan::Want;
use crate::store::scan::source_of;
use crate::store::spool::Stream;
use crate::store::tell;
use crate::store::tell::Told;
use crate::store::zipped::Zipped;

/// A member of an archive.
struct Member {
    name: String,
    place: PartPlace,
}

impl Member {
    fn folder(&self) -> String {
        let path = Path::new(&self.name);
        path.parent()
            .map(|folder| folder.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    fn part(&self, role: PartRole) -> PartSpec {
        PartSpec {
            name: file_name(Path::new(&self.name)),
            role,
            place: self.place.clone(),
        }
    }
}

/// Whether a member of this name is about the conversation whose events lie near.
fn is_meta(name: &str) -> bool {
    let name = file_name(Path::new(name));
    matches!(name.as_str(), "base_state.json" | "metadata.json")
}

impl Scan<'_> {
    pub(super) fn scan_zip(&mut self, seed: &Seed, file: Arc<File>) {
        let zip = match Zipped::open(file) {
            Ok(zip) => Arc::new(zip),
            Err(why) => return self.reject(seed, Fault::new(format!("damaged zip file: {why}"))),
        };
        let header = zip
            .find("header.json")
            .or_else(|| zip.find("_journal/start.json"));
        if let Some(header) = header {
            return self.scan_eval(seed, &zip, header);
        }
        let members = zip
            .names()
            .iter()
            .enumerate()
            .filter(|(_, name)| !name.ends_with('/'))
            .map(|(index, name)| Member {
                name: name.clone(),
                place: PartPlace::Member(Arc::clone(&zip), index),
            })
            .collect();
        self.scan_members(seed, members);
    }

    /// An Inspect log: a record a sample, in the order of their names.
    fn scan_eval(&mut self, seed: &Seed, zip: &Arc<Zipped>, header: usize) {
        if self.want == Want::Sides {
            return;
        }
        let mut samples: Vec<(usize, &String)> = zip
            .names()
            .iter()
            .enumerate()
            .filter(|(_, name)| name.starts_with("samples/") && names::ends_in(name, "json"))
            .collect();
        samples.sort_by(|(_, a), (_, b)| names::natural(a, b));
        if samples.is_empty() {
            return self.reject(seed, Fault::new("the Inspect log has no samples yet"));
        }
        let bytes = Bytes::Members {
            zip: Arc::clone(zip),
            indexes: samples.iter().map(|(index, _)| *index).collect(),
        };
        let mut source = source_of(seed, bytes);
        source.format = Some(Format::Inspect);
        source.layout = Layout::Samples;
        source.shape = Shape::Object;
        source.header = Header::Member(header);
        source.names = samples
            .iter()
            .map(|(_, name)| Arc::from(name.as_str()))
            .collect();
        let rows = samples.len();
        let source = self.register(source);
        for row in 0..rows {
            self.push(source, row, Span::new(0, 0));
        }
        self.tick();
    }

    pub(super) fn scan_tar(&mut self, seed: &Seed, file: &Arc<File>) {
        let reader = match SharedFile::whole(Arc::clone(file)) {
            Ok(reader) => reader,
            Err(err) => return self.push_fault(seed, Fault::new(err.to_string())),
        };
        let mut archive = tar::Archive::new(reader);
        let mut members = Vec::new();
        let mut damage = None;
        match archive.entries_with_seek() {
            Ok(entries) => {
                for entry in entries {
                    if self.is_cancelled() {
                        return;
                    }
                    let entry = match entry {
                        Ok(entry) => entry,
                        Err(err) => {
                            damage = Some(err.to_string());
                            break;
                        }
                    };
                    if !entry.header().entry_type().is_file() {
                        continue;
                    }
                    let start = entry.raw_file_position();
                    let span = Span::new(start, start.saturating_add(entry.size()));
                    members.push(Member {
                        name: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
                        place: PartPlace::Stretch(Arc::clone(file), span),
                    });
                }
            }
            Err(err) => damage = Some(err.to_string()),
        }
        self.scan_members(seed, members);
        if let Some(why) = damage {
            self.push_end_fault(seed, Fault::new(format!("damaged tar file: {why}")));
        }
    }

    /// Event files of a folder are one record; every other data file is a source of its own.
    fn scan_members(&mut self, seed: &Seed, mut members: Vec<Member>) {
        let before = self.found();
        members.sort_by(|a, b| names::natural(&a.name, &b.name));
        let mut folders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut metas: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, member) in members.iter().enumerate() {
            let folder = member.folder();
            if is_meta(&member.name) {
                metas.entry(folder.clone()).or_default().push(place);
            }
            folders.entry(folder).or_default().push(place);
        }
        let mut found = 0_usize;
        let mut is_part = vec![false; members.len()];
        for (folder, places) in &folders {
            let in_folder: Vec<&Member> = places.iter().filter_map(|p| members.get(*p)).collect();
            let file_names: Vec<String> = in_folder
                .iter()
                .map(|member| file_name(Path::new(&member.name)))
                .collect();
            let refs: Vec<&str> = file_names.iter().map(String::as_str).collect();
            let order = names::event_files(&file_name(Path::new(folder)), &refs);
            if order.is_empty() {
                continue;
            }
            let conversation = names::conversation_folder(Path::new(folder));
            let mut parts: Vec<PartSpec> = order
                .iter()
                .filter_map(|at| in_folder.get(*at))
                .map(|member| member.part(PartRole::Event))
                .collect();
            let around = Path::new(folder)
                .ancestors()
                .take_while(|around| around.starts_with(conversation));
            let mut about: Vec<usize> = around
                .filter_map(|around| metas.get(around.to_string_lossy().as_ref()))
                .flatten()
                .copied()
                .collect();
            about.sort_unstable();
            let about = about.into_iter().filter_map(|place| members.get(place));
            parts.extend(about.map(|member| member.part(PartRole::Meta)));
            for place in places {
                if let Some(flag) = is_part.get_mut(*place) {
                    *flag = true;
                }
            }
            found += 1;
            self.scan_member_events(seed, &conversation.to_string_lossy(), parts);
        }
        let has_events = found > 0;
        for (member, is_part) in members.iter().zip(is_part) {
            let name = file_name(Path::new(&member.name));
            if self.is_cancelled() {
                return;
            }
            if is_part || (has_events && is_meta(&name)) || !names::may_hold_data(&name) {
                continue;
            }
            found += 1;
            self.scan_member(seed, member);
        }
        // an archive that was named is in the list, whatever it holds
        let is_missing = seed.is_explicit && self.found() == before;
        if found == 0 || is_missing {
            let why = if found == 0 {
                "the archive holds no data files"
            } else {
                "no file of the archive is of a known trajectory format"
            };
            self.reject(seed, Fault::new(why));
        }
    }

    fn scan_member_events(&mut self, seed: &Seed, folder: &str, parts: Vec<PartSpec>) {
        let values: Vec<_> = parts
            .iter()
            .filter(|part| part.role == PartRole::Event)
            .take(crate::read::Probe::VALUES)
            .filter_map(PartSpec::value)
            .collect();
        let told = tell::family(&values, Shape::Events).unwrap_or(Told {
            format: None,
            layout: Layout::Session,
            shape: Shape::Events,
        });
        if self.want == Want::Sides {
            return;
        }
        let member = (!folder.is_empty()).then(|| Arc::from(folder));
        let seed = Seed {
            member,
            parts,
            ..seed.clone()
        };
        self.push_events(&seed, told);
    }

    fn scan_member(&mut self, seed: &Seed, member: &Member) {
        let inner = seed.member(&member.name);
        match &member.place {
            PartPlace::Stretch(file, span) => {
                let mut reader = SharedFile::new(Arc::clone(file), *span);
                let Ok(head) = super::read_head(&mut reader) else {
                    return self.push_fault(&inner, Fault::new("the archive ends inside it"));
                };
                let origin = Origin::Stretch(Arc::clone(file), span.start);
                let stream = Stream::File(SharedFile::new(Arc::clone(file), *span));
                self.scan_container(&inner, tell::container(&head), stream, &origin);
            }
            PartPlace::Member(zip, index) => match zip.read(*index) {
                Ok(bytes) => {
                    let container = tell::container(bytes.get(..1024).unwrap_or(&bytes));
                    let origin = Origin::Member(Arc::clone(zip), *index);
                    let stream = Stream::Once(Box::new(Cursor::new(bytes)));
                    self.scan_container(&inner, container, stream, &origin);
                }
                Err(fault) => self.push_fault(&inner, fault),
            },
            PartPlace::File(_) => {}
        }
    }
}
