//! Which file is which module: packages found from the layout of the repository alone.
//!
//! A folder with an `__init__.py` is a package, one without may be a part of a namespace package. A folder from which
//! modules are imported by their first name is a root: the nearest folder above a file that is no package, the folders
//! above that one, the customary `src` and `lib`, and wherever else exactly one package of that name lies.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// A file of the repository, as an index into its files by path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FileIx(pub(super) u32);

/// A folder that holds Python files, itself or further down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FolderIx(pub(super) u32);

/// What a module's name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Module {
    /// A file; that of a package is its `__init__.py`.
    File(FileIx),
    /// A folder without `__init__.py`.
    Namespace(FolderIx),
}

#[derive(Debug, Default)]
struct Folder {
    parent: Option<FolderIx>,
    name: String,
    package: Option<FileIx>,
    modules: BTreeMap<String, FileIx>,
    folders: BTreeMap<String, FolderIx>,
}

/// The folders and modules of a repository.
#[derive(Debug, Default)]
pub(super) struct Layout {
    folders: Vec<Folder>,
    /// The folder of each file, and whether the file is its `__init__.py`.
    places: Vec<(FolderIx, bool)>,
    /// Packages whose folder lies in no package, by name.
    tops: BTreeMap<String, Vec<FileIx>>,
}

/// Folders that are customarily roots.
const ROOTS: [&str; 3] = ["src", "lib", "python"];

/// Packages of the standard library: a folder of that name somewhere else in the repository is not what is imported.
const STANDARD: [&str; 32] = [
    "asyncio",
    "collections",
    "concurrent",
    "ctypes",
    "curses",
    "dbm",
    "distutils",
    "email",
    "encodings",
    "ensurepip",
    "html",
    "http",
    "idlelib",
    "importlib",
    "json",
    "lib2to3",
    "logging",
    "multiprocessing",
    "os",
    "pydoc_data",
    "re",
    "sqlite3",
    "sys",
    "test",
    "tkinter",
    "tomllib",
    "unittest",
    "urllib",
    "wsgiref",
    "xml",
    "xmlrpc",
    "zoneinfo",
];

const ROOT: FolderIx = FolderIx(0);

impl Layout {
    /// Reads the paths of all files, which are sorted and divided by `/`.
    pub(super) fn of<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut layout = Self {
            folders: vec![Folder::default()],
            ..Self::default()
        };
        for (ix, path) in paths.enumerate() {
            let file = FileIx(u32::try_from(ix).unwrap_or(u32::MAX));
            layout.add(file, path);
        }
        let mut tops: BTreeMap<String, BTreeSet<FileIx>> = BTreeMap::new();
        for folder in &layout.folders {
            let above = folder.parent.and_then(|parent| layout.folder(parent));
            if let Some(package) = folder.package
                && above.is_some_and(|above| above.package.is_none())
            {
                tops.entry(folder.name.clone()).or_default().insert(package);
            }
        }
        let sorted =
            |(name, files): (String, BTreeSet<FileIx>)| (name, files.into_iter().collect());
        layout.tops = tops.into_iter().map(sorted).collect();
        layout
    }

    fn add(&mut self, file: FileIx, path: &str) {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = ROOT;
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            let next = FolderIx(u32::try_from(self.folders.len()).unwrap_or(u32::MAX));
            let Some(folder) = self.folders.get_mut(at.0 as usize) else {
                break;
            };
            let known = folder.folders.get(part).copied();
            if known.is_none() {
                folder.folders.insert(part.to_owned(), next);
                self.folders.push(Folder {
                    parent: Some(at),
                    name: part.to_owned(),
                    ..Folder::default()
                });
            }
            at = known.unwrap_or(next);
        }
        let stem = name.strip_suffix(".py").unwrap_or(name);
        let is_package = stem == "__init__";
        self.places.push((at, is_package));
        if let Some(folder) = self.folders.get_mut(at.0 as usize) {
            if is_package {
                folder.package = Some(file);
            } else {
                folder.modules.insert(stem.to_owned(), file);
            }
        }
    }

    fn folder(&self, ix: FolderIx) -> Option<&Folder> {
        self.folders.get(ix.0 as usize)
    }

    /// The module `name` in a folder: a package before a file before a namespace, as Python looks.
    fn inside(&self, folder: FolderIx, name: &str) -> Option<Module> {
        let folder = self.folder(folder)?;
        let inner = folder.folders.get(name).copied();
        let package = inner.and_then(|inner| self.folder(inner)?.package);
        if let Some(file) = package.or(folder.modules.get(name).copied()) {
            return Some(Module::File(file));
        }
        inner.map(Module::Namespace)
    }

    /// The module of that name within a module.
    pub(super) fn submodule(&self, module: Module, name: &str) -> Option<Module> {
        match module {
            Module::Namespace(folder) => self.inside(folder, name),
            Module::File(file) => {
                let (folder, is_package) = *self.places.get(file.0 as usize)?;
                if is_package {
                    self.inside(folder, name)
                } else {
                    None
                }
            }
        }
    }

    fn walk(&self, from: Option<Module>, dotted: &str) -> Option<Module> {
        let mut at = from?;
        for part in dotted.split('.').filter(|part| !part.is_empty()) {
            at = self.submodule(at, part)?;
        }
        Some(at)
    }

    /// What a folder is as a module.
    fn folder_module(&self, ix: FolderIx) -> Option<Module> {
        let folder = self.folder(ix)?;
        Some(folder.package.map_or(Module::Namespace(ix), Module::File))
    }

    /// The module that a relative import of `level` dots in a file names.
    pub(super) fn relative(&self, from: FileIx, level: u32, dotted: &str) -> Option<Module> {
        let (mut folder, _) = *self.places.get(from.0 as usize)?;
        for _ in 1..level {
            folder = self.folder(folder)?.parent?;
        }
        self.walk(self.folder_module(folder), dotted)
    }

    /// The modules that an absolute import in a file names: the first part of the name and, where it is there, the
    /// whole; none where the repository has none, or several of which none is nearer.
    pub(super) fn absolute(&self, from: FileIx, dotted: &str) -> Option<(Module, Option<Module>)> {
        let first = dotted.split('.').next()?;
        let rest = dotted.get(first.len()..)?;
        let roots = self.roots(from);
        let mut namespace = None;
        for root in &roots {
            match self.inside(*root, first) {
                Some(found @ Module::File(_)) => {
                    return Some((found, self.walk(Some(found), rest)));
                }
                Some(found) if namespace.is_none() => {
                    namespace = self
                        .walk(Some(found), rest)
                        .map(|whole| (found, Some(whole)));
                }
                _ => {}
            }
        }
        match self.tops.get(first).map(Vec::as_slice) {
            Some([only]) if !STANDARD.contains(&first) => {
                let found = Module::File(*only);
                Some((found, self.walk(Some(found), rest)))
            }
            _ => namespace,
        }
    }

    /// The folders from which a file's imports are looked up, nearest first.
    fn roots(&self, from: FileIx) -> Vec<FolderIx> {
        let mut roots = Vec::new();
        let mut next = self.places.get(from.0 as usize).map(|(folder, _)| *folder);
        while let Some(ix) = next {
            let Some(folder) = self.folder(ix) else {
                break;
            };
            if folder.package.is_none() {
                roots.push(ix);
            }
            next = folder.parent;
        }
        let top = self.folder(ROOT);
        roots.extend(
            ROOTS
                .iter()
                .filter_map(|name| top?.folders.get(*name).copied()),
        );
        roots
    }
}
