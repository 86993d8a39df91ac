//! What a replay begins with and ends by: the workspace before the first call, the patch after the last.

use crate::cancel::Cancel;
use crate::error::Result;
use crate::replay::BaseKind;
use crate::replay::PatchReplay;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;

/// The workspace of one trajectory: from what it is made, how it is prepared, what its final patch is. A plain value
/// otherwise: two sandboxes that were prepared alike hold the same files.
pub trait Ground: Send {
    /// From what it is made.
    fn kind(&self) -> BaseKind;

    /// The sandbox that its commands run in, without a layer.
    fn spec(&self) -> &Spec;

    /// The workspace's own folder: an absolute path in the sandbox.
    fn root(&self) -> &str;

    /// All names that the workspace's folder goes by in the record and in the sandbox.
    fn roots(&self) -> Vec<String> {
        vec![self.root().to_owned()]
    }

    /// Does in a new sandbox what the producer did before the first call: writes known files, makes a repository. Says
    /// in words what is not as it was, and what could not be done.
    ///
    /// # Errors
    /// *limit* when the sandbox died; *input* when a part of the base cannot be read.
    fn prepare(&mut self, sandbox: &mut dyn Sandbox, cancel: &Cancel) -> Result<Vec<String>>;

    /// The workspace's patch against its base beside the recorded one; `None` where it is no repository.
    ///
    /// # Errors
    /// *limit* when the sandbox died or the patch is not made in time.
    fn patch(&mut self, sandbox: &mut dyn Sandbox, cancel: &Cancel) -> Result<Option<PatchReplay>>;
}
