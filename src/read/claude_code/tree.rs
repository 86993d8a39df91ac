//! Which line of a session each row is on: the main line or a branch.
//!
//! Rows point to their parent by uuid. Parallel calls make side chains that are no forks: the rows of one response hang
//! below each other and each result below its call. So a side chain is a branch only when it says something new: a
//! response that has not begun elsewhere, or a prompt. Several roots (resumed and compacted sessions) are one line.

use std::collections::HashMap;
use std::collections::HashSet;

use super::row;
use super::row::Says;
use crate::read::Row;
use crate::read::common::str_at;

/// The lines of a session.
pub(super) struct Lines {
    /// For each row: its line, 0 being the main one; `None` for a row that repeats an earlier one.
    pub(super) of_row: Vec<Option<usize>>,
    /// For each line: the row at which it leaves another line.
    pub(super) forks: Vec<Option<usize>>,
}

/// What the tree needs to know of a row.
struct Node<'a> {
    says: Says<'a>,
    parent: Option<usize>,
    is_repeat: bool,
    /// The newest row of conversation at or below this one.
    tip: Option<usize>,
    /// Whether something new is said at or below this one.
    has_news: bool,
}

/// Puts each row on its line, in linear time. Parents are expected before their children, as they are written; a row
/// whose parent comes later, or never, is a root.
pub(super) fn lines(rows: &[Row]) -> Lines {
    let nodes = nodes(rows);
    let mut of_row: Vec<Option<usize>> = Vec::with_capacity(rows.len());
    let mut forks = vec![None];
    // for each row the tip of the line as seen from it: a child that leads there goes on with the line
    let mut goals: Vec<Option<usize>> = Vec::with_capacity(rows.len());
    let mut line_of_message: HashMap<&str, usize> = HashMap::new();
    let mut line_of_call: HashMap<&str, usize> = HashMap::new();
    for (node, row) in nodes.iter().zip(rows) {
        let parent_line = node.parent.and_then(|at| of_row.get(at).copied().flatten());
        let goal = node
            .parent
            .map_or(node.tip, |at| goals.get(at).copied().flatten());
        if node.is_repeat {
            of_row.push(None);
            goals.push(goal);
            continue;
        }
        let known = match node.says {
            Says::Response(id) => id.and_then(|id| line_of_message.get(id)).copied(),
            Says::Results(id) => id
                .and_then(|id| line_of_call.get(id))
                .copied()
                .or(parent_line),
            Says::Prompt | Says::Nothing => None,
        };
        let stays = node.tip == goal || !node.has_news;
        let (line, goal) = match (known, parent_line) {
            (Some(line), _) => (line, goal),
            (None, parent) if stays => (parent.unwrap_or(0), goal),
            (None, _) => {
                forks.push(node.parent);
                (forks.len() - 1, node.tip)
            }
        };
        of_row.push(Some(line));
        goals.push(goal);
        if let Says::Response(id) = node.says {
            line_of_message.extend(id.map(|id| (id, line)));
            for call in row::call_ids(&row.value) {
                line_of_call.entry(call).or_insert(line);
            }
        }
    }
    Lines { of_row, forks }
}

fn nodes(rows: &[Row]) -> Vec<Node<'_>> {
    let mut by_uuid: HashMap<&str, usize> = HashMap::new();
    let mut begun: HashSet<&str> = HashSet::new();
    let mut nodes: Vec<Node<'_>> = Vec::with_capacity(rows.len());
    for (ix, row) in rows.iter().enumerate() {
        let parent = ["parentUuid", "logicalParentUuid"]
            .into_iter()
            .find_map(|key| by_uuid.get(str_at(&row.value, key)?).copied());
        let uuid = str_at(&row.value, "uuid");
        let is_repeat = uuid.is_some_and(|uuid| by_uuid.contains_key(uuid));
        if let Some(uuid) = uuid {
            by_uuid.entry(uuid).or_insert(ix);
        }
        let says = row::says(&row.value);
        let has_news = !is_repeat
            && match says {
                Says::Response(Some(id)) => begun.insert(id),
                Says::Response(None) | Says::Prompt => true,
                Says::Results(_) | Says::Nothing => false,
            };
        let is_conversation = !is_repeat && !matches!(says, Says::Nothing);
        nodes.push(Node {
            says,
            parent,
            is_repeat,
            tip: is_conversation.then_some(ix),
            has_news,
        });
    }
    for ix in (0..nodes.len()).rev() {
        let Some((parent, tip, has_news)) = nodes.get(ix).map(|n| (n.parent, n.tip, n.has_news))
        else {
            continue;
        };
        if let Some(parent) = parent.and_then(|at| nodes.get_mut(at)) {
            parent.tip = parent.tip.max(tip);
            parent.has_news |= has_news;
        }
    }
    nodes
}
