//! Issues with their patches from the history of a git repository.

use crate::behave::is_test_file;
use crate::cancel::Cancel;
use crate::model::TaskKind;
use crate::patch::Side;
use crate::patch::write_part;
use crate::tasks::Draft;
use crate::tasks::Drafts;
use crate::tasks::Fields;
use crate::tasks::Maker;
use crate::tasks::Seed;
use crate::tasks::issue_localize::draft;
use crate::tasks::issue_localize::gold::gold;
use crate::tasks::issue_localize::message::statement;
use crate::tasks::issue_localize::reason;
use crate::workspace::checkout::Blob;
use crate::workspace::checkout::Commit;
use crate::workspace::checkout::Commits;

/// A commit that touches more files answers no single issue.
const MOST_FILES: usize = 60;
/// Longer files are not compared.
const MOST_BYTES: u64 = 1 << 20;

/// Makes tasks of commits that name an issue: the message is the statement, the difference to the parent the answer.
#[derive(Debug, Clone, Copy)]
pub struct IssueHistory {
    /// The most commits of a repository that are looked at, from the seed's commit back, the newest first.
    pub commits: usize,
}

impl Maker for IssueHistory {
    fn kind(&self) -> TaskKind {
        TaskKind::IssueLocalize
    }

    fn drafts(&self, seed: &Seed, cancel: &Cancel) -> Option<Drafts> {
        let mut drafts = Drafts::default();
        let git = seed.git.as_ref();
        let Some(commits) = git.and_then(|git| Commits::open(git).ok()) else {
            drafts.left_out.insert(reason::NO_REPOSITORY, 1);
            return Some(drafts);
        };
        let mut each = |commits: &Commits, commit: Commit| match draft_of(commits, &commit, cancel)
        {
            Ok(draft) => drafts.drafts.push(draft),
            Err(reason) => *drafts.left_out.entry(reason).or_default() += 1,
        };
        commits.walk(&seed.commit, self.commits, cancel, &mut each);
        // those of one place are told apart by their order in the history
        drafts
            .drafts
            .sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        (!cancel.is_cancelled()).then_some(drafts)
    }
}

fn draft_of(commits: &Commits, commit: &Commit, cancel: &Cancel) -> Result<Draft, &'static str> {
    let [parent] = commit.parents.as_slice() else {
        return Err(reason::MERGE);
    };
    // most commits end here, before anything of theirs is compared
    statement(&commit.message, &[])?;
    let parent = commits.find(parent).ok_or(reason::NO_COMMIT)?;
    let patch = patch(commits, &parent, commit, cancel).ok_or(reason::TOO_MUCH)?;
    let gold = gold(&patch)?;
    let statement = statement(&commit.message, &gold.names)?;
    let mut given = Fields::new();
    given.insert("base_commit".to_owned(), parent.id.into());
    given.insert("fix_commit".to_owned(), commit.id.clone().into());
    Ok(draft(given, &statement, gold))
}

/// What a commit changes, without tests and files that are no text. `None` where it is too much.
fn patch(commits: &Commits, parent: &Commit, commit: &Commit, cancel: &Cancel) -> Option<String> {
    let mut patch = String::new();
    for change in commits.changes(parent, commit, MOST_FILES, cancel)? {
        let Ok(name) = std::str::from_utf8(&change.path) else {
            continue;
        };
        if is_test_file(name) {
            continue;
        }
        let bytes = |blob: Option<Blob>| match blob {
            Some(blob) => commits.bytes(blob, MOST_BYTES),
            None => Some(Vec::new()),
        };
        let (Some(old), Some(new)) = (bytes(change.old), bytes(change.new)) else {
            continue;
        };
        let old = Side::of(change.old.map(|blob| blob.mode), &old);
        let new = Side::of(change.new.map(|blob| blob.mode), &new);
        if let (Some(old), Some(new)) = (old, new) {
            write_part(name, old, new, &mut patch);
        }
    }
    Some(patch)
}
