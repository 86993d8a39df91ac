//! A patch as Codex reads it: tolerant of blanks around its marks and of a here-document's marks around all of it.

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hunk {
    Add {
        path: String,
        text: String,
    },
    Delete {
        path: String,
    },
    Update {
        path: String,
        move_to: Option<String>,
        chunks: Vec<Chunk>,
    },
}

/// Lines in the place of others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The line above which it does not begin.
    pub context: Option<String>,
    pub old: Vec<String>,
    pub new: Vec<String>,
    /// The old lines are the last ones of the file.
    pub is_end: bool,
}

/// Why a text is no patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Its begin or end.
    Patch(&'static str),
    /// A line, from 1.
    Hunk(String, usize),
}

const EMPTY: &str = "Update hunk does not contain any lines";

pub(super) fn parse(patch: &str) -> Result<Vec<Hunk>, Wrong> {
    let lines: Vec<&str> = patch.trim().lines().collect();
    let mut lines = body(&lines)?;
    let mut hunks = Vec::new();
    let mut line_no = 2;
    while !lines.is_empty() {
        let (hunk, taken) = hunk(lines, line_no)?;
        hunks.push(hunk);
        line_no += taken;
        lines = lines.get(taken..).unwrap_or_default();
    }
    Ok(hunks)
}

/// The lines between the marks.
fn body<'a, 'b>(lines: &'b [&'a str]) -> Result<&'b [&'a str], Wrong> {
    match marked(lines) {
        Ok(body) => Ok(body),
        Err(wrong) => match lines {
            [first, inner @ .., last]
                if matches!(*first, "<<EOF" | "<<'EOF'" | "<<\"EOF\"")
                    && last.ends_with("EOF")
                    && lines.len() >= 4 =>
            {
                marked(inner)
            }
            _ => Err(wrong),
        },
    }
}

fn marked<'a, 'b>(lines: &'b [&'a str]) -> Result<&'b [&'a str], Wrong> {
    if lines
        .first()
        .is_some_and(|line| line.trim() != "*** Begin Patch")
    {
        return Err(Wrong::Patch(
            "The first line of the patch must be '*** Begin Patch'",
        ));
    }
    match lines {
        [_, body @ .., last] if last.trim() == "*** End Patch" => Ok(body),
        _ => Err(Wrong::Patch(
            "The last line of the patch must be '*** End Patch'",
        )),
    }
}

/// The first hunk of the lines, and how many it takes.
fn hunk(lines: &[&str], line_no: usize) -> Result<(Hunk, usize), Wrong> {
    let first = lines.first().map_or("", |line| line.trim());
    let rest = lines.get(1..).unwrap_or_default();
    if let Some(path) = first.strip_prefix("*** Add File: ") {
        let added: Vec<&str> = rest
            .iter()
            .map_while(|line| line.strip_prefix('+'))
            .collect();
        let text = added.iter().flat_map(|line| [*line, "\n"]).collect();
        let path = path.to_owned();
        return Ok((Hunk::Add { path, text }, added.len() + 1));
    }
    if let Some(path) = first.strip_prefix("*** Delete File: ") {
        let path = path.to_owned();
        return Ok((Hunk::Delete { path }, 1));
    }
    if let Some(path) = first.strip_prefix("*** Update File: ") {
        return update(path, rest, line_no);
    }
    Err(Wrong::Hunk(
        format!(
            "'{first}' is not a valid hunk header. Valid hunk headers: '*** Add File: {{path}}', '*** Delete File: {{path}}', '*** Update File: {{path}}'"
        ),
        line_no,
    ))
}

fn update(path: &str, mut rest: &[&str], line_no: usize) -> Result<(Hunk, usize), Wrong> {
    let mut taken = 1;
    let move_to = rest
        .first()
        .and_then(|line| line.strip_prefix("*** Move to: "));
    if move_to.is_some() {
        taken += 1;
        rest = rest.get(1..).unwrap_or_default();
    }
    let mut chunks = Vec::new();
    while let Some(line) = rest.first().filter(|line| !line.starts_with('*')) {
        let used = if line.trim().is_empty() {
            1
        } else {
            let (chunk, used) = chunk(rest, line_no + taken, chunks.is_empty())?;
            chunks.push(chunk);
            used
        };
        taken += used;
        rest = rest.get(used..).unwrap_or_default();
    }
    if chunks.is_empty() {
        return Err(Wrong::Hunk(
            format!("Update file hunk for path '{path}' is empty"),
            line_no,
        ));
    }
    let hunk = Hunk::Update {
        path: path.to_owned(),
        move_to: move_to.map(str::to_owned),
        chunks,
    };
    Ok((hunk, taken))
}

fn chunk(lines: &[&str], line_no: usize, is_first: bool) -> Result<(Chunk, usize), Wrong> {
    let head = lines.first().copied().unwrap_or_default();
    let context = head.strip_prefix("@@ ").map(str::to_owned);
    let has_mark = context.is_some() || head == "@@";
    if !has_mark && !is_first {
        let what = format!("Expected update hunk to start with a @@ context marker, got: '{head}'");
        return Err(Wrong::Hunk(what, line_no));
    }
    let start = usize::from(has_mark);
    let lines = lines.get(start..).unwrap_or_default();
    let empty = || Wrong::Hunk(EMPTY.to_owned(), line_no + 1);
    if lines.is_empty() {
        return Err(empty());
    }
    let mut chunk = Chunk {
        context,
        ..Chunk::default()
    };
    let mut taken = 0;
    for line in lines {
        if *line == "*** End of File" {
            if taken == 0 {
                return Err(empty());
            }
            chunk.is_end = true;
            taken += 1;
            break;
        }
        if let Some(text) = line.strip_prefix('+') {
            chunk.new.push(text.to_owned());
        } else if let Some(text) = line.strip_prefix('-') {
            chunk.old.push(text.to_owned());
        } else if let Some(text) = line.strip_prefix(' ').or(line.is_empty().then_some("")) {
            chunk.old.push(text.to_owned());
            chunk.new.push(text.to_owned());
        } else if taken == 0 {
            let what = format!(
                "Unexpected line found in update hunk: '{line}'. Every line should start with ' ' (context line), '+' (added line), or '-' (removed line)"
            );
            return Err(Wrong::Hunk(what, line_no + 1));
        } else {
            break;
        }
        taken += 1;
    }
    Ok((chunk, taken + start))
}
