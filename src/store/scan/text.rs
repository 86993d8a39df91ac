//! Scanning text: JSON lines, one array, one object.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use crate::model::Fault;
use crate::model::Span;
use crate::model::Value;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Shape;
use crate::read::json;
use crate::read::json::Element;
use crate::read::json::ElementScanner;
use crate::read::json::Target;
use crate::store::bytes::Bytes;
use crate::store::bytes::SharedFile;
use crate::store::index::Header;
use crate::store::index::Source;
use crate::store::lines::LineScanner;
use crate::store::lines::Lines;
use crate::store::names;
use crate::store::scan::Origin;
use crate::store::scan::Scan;
use crate::store::scan::Seed;
use crate::store::scan::source_of;
use crate::store::sieve::Trail;
use crate::store::spool::Feed;
use crate::store::spool::View;
use crate::store::tail::CUT_OFF;
use crate::store::tail::is_open;
use crate::store::tell;
use crate::store::tell::TextKind;
use crate::store::tell::Told;

impl Scan<'_> {
    /// As much as a sniff may read for its values, unless one line is longer.
    const HEAD_BYTES: usize = 8 << 20;
    /// As much as is held of one line to tell what it is.
    const LINE_BYTES: usize = 256 << 20;

    pub(super) fn scan_text(
        &mut self,
        seed: &Seed,
        mut head: Vec<u8>,
        feed: &mut Feed,
        origin: &Origin,
    ) {
        let bom = if head.starts_with(tell::BOM) {
            tell::BOM.len()
        } else {
            0
        };
        self.read_values(&mut head, feed);
        let text = head.get(bom..).unwrap_or_default();
        let is_end = feed.is_end();
        let kind = tell::text_kind(text, is_end);
        let told = match kind {
            TextKind::Lines => {
                let told = tell::family(&tell::line_values(text, is_end), Shape::Lines);
                told.or_else(|| untold(seed, Layout::Rows, Shape::Lines))
            }
            TextKind::OneLine => one_line(seed, text),
            TextKind::Array => {
                let values = self.read_elements(&mut head, bom, feed);
                let has_objects = values.iter().any(Value::is_object);
                let told = tell::family(&values, Shape::Array);
                told.or_else(|| has_objects.then(|| untold(seed, Layout::Rows, Shape::Array))?)
            }
            TextKind::Object => {
                let cancel = self.cancel;
                if !matches!(origin, Origin::Disk) {
                    feed.drain(|| cancel.is_cancelled());
                }
                let value = whole_value(seed, feed, origin);
                value.and_then(|value| tell::family(&[value], Shape::Object))
            }
            TextKind::Unknown => {
                let at = text.iter().position(|b| !b.is_ascii_whitespace());
                let byte = bom + at.unwrap_or(0);
                return self.reject(
                    seed,
                    Fault::at("not JSON: no value begins here", byte as u64),
                );
            }
        };
        if !self.accepts(seed, told.and_then(|told| told.format)) {
            return;
        }
        let told = told.unwrap_or(Told {
            format: None,
            layout: Layout::Whole,
            shape: Shape::Object,
        });
        match (told.shape, told.layout) {
            (Shape::Lines | Shape::Array, Layout::Session) => {
                self.scan_whole(seed, told, feed, origin, bom);
            }
            (Shape::Lines, _) => self.scan_lines(seed, told, &head, feed, origin, bom),
            (Shape::Array, _) => {
                self.scan_elements(seed, told, Target::Array, &head, feed, origin);
            }
            (_, Layout::Keyed) => {
                self.scan_elements(seed, told, Target::Members, &head, feed, origin);
            }
            (_, Layout::Samples) => {
                let target = Target::ArrayUnder("samples");
                self.scan_elements(seed, told, target, &head, feed, origin);
            }
            _ => self.scan_whole(seed, told, feed, origin, bom),
        }
        if let Some(why) = feed.failure() {
            let fault = Fault::at(why, feed.consumed());
            self.push_end_fault(seed, fault);
        }
    }

    /// Reads until `head` holds the values of a probe.
    fn read_values(&mut self, head: &mut Vec<u8>, feed: &mut Feed) {
        let mut searched = 0;
        let mut lines = 0;
        loop {
            let fresh = head.get(searched..).unwrap_or_default();
            lines += tell::complete_lines(fresh, false);
            searched = head.len();
            let is_array = tell::first_ink(head.get(..64).unwrap_or(head)) == Some(b'[');
            let limit = if lines > 0 || is_array {
                Self::HEAD_BYTES
            } else {
                Self::LINE_BYTES
            };
            if tell::has_enough_lines(head, lines) || head.len() >= limit || self.is_cancelled() {
                return;
            }
            // a pipe may hand out its next line an hour from now
            let is_slow = feed.spool().is_some() && lines >= 2;
            if is_slow && is_told(head) {
                return;
            }
            let chunk = feed.next();
            if chunk.is_empty() {
                return;
            }
            head.extend_from_slice(chunk);
        }
    }

    /// Reads until `head` holds the first elements of an array, at least one of them; returns them.
    fn read_elements(&self, head: &mut Vec<u8>, bom: usize, feed: &mut Feed) -> Vec<Value> {
        const ENOUGH_BYTES: usize = 1 << 20;
        loop {
            let values = tell::array_values(head.get(bom..).unwrap_or_default());
            let is_enough = values.len() >= Probe::VALUES
                || (head.len() >= ENOUGH_BYTES && !values.is_empty())
                || head.len() >= Self::LINE_BYTES;
            // doubling keeps looking again and again linear
            let want = head.len() * 2;
            while !is_enough && head.len() < want && !self.is_cancelled() {
                let chunk = feed.next();
                if chunk.is_empty() {
                    break;
                }
                head.extend_from_slice(chunk);
            }
            if is_enough || head.len() < want {
                return if is_enough {
                    values
                } else {
                    tell::array_values(head.get(bom..).unwrap_or_default())
                };
            }
        }
    }

    fn scan_lines(
        &mut self,
        seed: &Seed,
        told: Told,
        head: &[u8],
        feed: &mut Feed,
        origin: &Origin,
        bom: usize,
    ) {
        let source = Self::text_source(seed, told, feed, origin);
        let source = self.register(source);
        let (sieve, reach) = self.sieve.and_then(|s| Some((s, s.reach()?))).unzip();
        let look = |view: View<'_>| {
            let lines = Lines::of(view.bytes.get(..view.len).unwrap_or_default());
            let sieve = sieve.filter(|_| view.is_whole);
            let places = sieve.map(|sieve| sieve.places(view.bytes, view.len, &lines));
            (lines, places)
        };
        let mut rows = Rows {
            source,
            row: 0,
            scanner: LineScanner::starting_at(bom as u64),
            trail: Trail::new(),
        };
        // what begins in the head may end behind it: what is looked through is looked through from the beginning
        let is_again = sieve.is_some() && feed.go_back(bom as u64);
        if !is_again {
            let head = head.get(bom..).unwrap_or_default();
            rows.add(self, look(View::alone(head)));
        }
        let before = self.bytes_done;
        self.bytes_done = before + feed.consumed();
        // the first screen does not wait for the clock
        self.flush();
        feed.go_through(reach.unwrap_or(0), self.cancel, look, |seen, consumed| {
            rows.add(self, seen);
            self.bytes_done = before + consumed;
            self.tick();
        });
        self.bytes_done = before;
        if self.is_cancelled() {
            return;
        }
        if let Some(span) = rows.scanner.unfinished() {
            self.push(source, rows.row, span);
            self.note_last(rows.trail.open());
            let bytes = self.bytes_of(source, span);
            if bytes.is_none_or(|bytes| is_open(&bytes)) {
                self.fault_last(Fault::at(CUT_OFF, span.end));
            }
        }
        self.stamp(source, feed.at());
    }

    fn scan_elements(
        &mut self,
        seed: &Seed,
        told: Told,
        target: Target,
        head: &[u8],
        feed: &mut Feed,
        origin: &Origin,
    ) {
        let mut scanner = ElementScanner::new(target);
        let mut found = Vec::new();
        let mut source = None;
        if target == Target::Array {
            source = Some(self.register(Self::text_source(seed, told, feed, origin)));
        }
        let mut row = 0;
        let mut publish = |scan: &mut Self, elements: Vec<Element>| {
            if let Some(source) = source {
                for element in elements {
                    scan.push(source, row, element.span);
                    row += 1;
                }
                scan.tick();
            } else {
                found.extend(elements);
            }
        };
        scanner.push(head);
        publish(self, scanner.take());
        // a feed that was drained to sniff the object is read again from its copy
        let mut again = (feed.is_end() && feed.at() > head.len() as u64)
            .then(|| reader_of(seed, feed, origin, head.len() as u64))
            .flatten();
        let before = self.bytes_done;
        let mut buffer = Vec::new();
        while !self.is_cancelled() {
            let chunk = match &mut again {
                Some(reader) => {
                    buffer.clear();
                    let got = reader.take(1 << 20).read_to_end(&mut buffer);
                    if got.is_err() { &[] } else { buffer.as_slice() }
                }
                None => feed.next(),
            };
            if chunk.is_empty() {
                break;
            }
            scanner.push(chunk);
            self.bytes_done = before + feed.consumed();
            publish(self, scanner.take());
        }
        self.bytes_done = before;
        if self.is_cancelled() {
            return;
        }
        let torn = scanner.open_element().filter(|_| scanner.is_open());
        let source = match source {
            Some(source) => source,
            None => self.publish_members(seed, told, found, feed, origin),
        };
        if let Some(start) = torn {
            // keyed records are numbered by what was published; the torn one comes behind them
            self.push(source, row, Span::new(start, feed.at()));
            self.fault_last(Fault::at(CUT_OFF, feed.at()));
        }
        self.stamp(source, feed.at());
    }

    /// Publishes samples and keyed members, whose source must know all of them first.
    fn publish_members(
        &mut self,
        seed: &Seed,
        told: Told,
        found: Vec<Element>,
        feed: &Feed,
        origin: &Origin,
    ) -> u32 {
        let mut source = Self::text_source(seed, told, feed, origin);
        if found.is_empty() {
            // a log without samples is still a log
            source.layout = Layout::Whole;
            let source = self.register(source);
            self.push(source, 0, Span::new(0, feed.at()));
            return source;
        }
        if told.layout == Layout::Samples
            && let (Some(first), Some(last)) = (found.first(), found.last())
        {
            let inner = Span::new(first.span.start, last.span.end);
            source.header = Header::Around {
                inner,
                len: feed.at().max(inner.end),
            };
        }
        let mut spans = Vec::with_capacity(found.len());
        for element in found {
            spans.push(element.span);
            source
                .names
                .extend(element.key.map(|key| Arc::from(key.as_str())));
        }
        let source = self.register(source);
        for (row, span) in spans.into_iter().enumerate() {
            self.push(source, row, span);
        }
        self.tick();
        source
    }

    fn scan_whole(
        &mut self,
        seed: &Seed,
        told: Told,
        feed: &mut Feed,
        origin: &Origin,
        bom: usize,
    ) {
        let cancel = self.cancel;
        let len = if matches!(origin, Origin::Disk) {
            std::fs::metadata(&seed.path).map_or(feed.at(), |meta| meta.len())
        } else {
            feed.drain(|| cancel.is_cancelled());
            feed.at()
        };
        let mut source = Self::text_source(seed, told, feed, origin);
        if let Origin::Member(zip, index) = origin {
            source.bytes = Bytes::Member {
                zip: Arc::clone(zip),
                index: *index,
            };
        }
        let source = self.register(source);
        self.push(source, 0, Span::new((bom as u64).min(len), len));
        if told.format.is_none() && told.layout == Layout::Whole {
            self.fault_unknown(source, Span::new((bom as u64).min(len), len));
        }
        self.stamp(source, len);
        self.tick();
    }

    /// A single value that no reader knows: says whether it is JSON at all.
    fn fault_unknown(&mut self, source: u32, span: Span) {
        const LOOK_BYTES: u64 = 64 << 20;
        let unknown = || Fault::at("no known trajectory format", span.start);
        let fault = if span.len_bytes() > LOOK_BYTES {
            unknown()
        } else {
            match self.bytes_of(source, span) {
                Some(bytes) if is_open(&bytes) => Fault::at(CUT_OFF, span.end),
                // only what the quick look does not take is parsed for the place where it is bad
                Some(bytes) if json::skeleton_of(&bytes).is_ok() => unknown(),
                Some(bytes) => json::parse_lenient(&bytes, span.start, &mut Vec::new())
                    .err()
                    .unwrap_or_else(unknown),
                None => unknown(),
            }
        };
        self.fault_last(fault);
    }

    fn text_source(seed: &Seed, told: Told, feed: &Feed, origin: &Origin) -> Source {
        let bytes = match (origin, feed.spool()) {
            (Origin::Stretch(file, base), _) => Bytes::Stretch {
                file: Arc::clone(file),
                base: *base,
            },
            (_, Some(spool)) => Bytes::Stretch {
                file: Arc::clone(spool),
                base: 0,
            },
            _ => Bytes::file(&seed.path),
        };
        let mut source = source_of(seed, bytes);
        source.format = told.format;
        source.layout = told.layout;
        source.shape = told.shape;
        source
    }

    fn registered(&self, source: u32) -> Option<Arc<Source>> {
        let index = self
            .index
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        index.sources.get(usize::try_from(source).ok()?).cloned()
    }

    fn bytes_of(&self, source: u32, span: Span) -> Option<Vec<u8>> {
        self.registered(source)?.bytes.read(span, 0).ok()
    }

    /// Remembers how the file looked; one that cannot be looked at again shows that when it is read.
    fn stamp(&self, source: u32, len: u64) {
        if let Some(source) = self.registered(source) {
            drop(source.bytes.set_stamp(len));
        }
    }
}

/// The rows of a source that is scanned line by line.
struct Rows {
    source: u32,
    row: usize,
    scanner: LineScanner,
    trail: Trail,
}

impl Rows {
    /// Adds the lines that end in the next part of the source, with the places at which the sieve saw something in it.
    fn add(&mut self, scan: &mut Scan<'_>, (lines, places): (Lines, Option<Vec<usize>>)) {
        self.trail.enter(self.scanner.at(), places);
        let (trail, row) = (&mut self.trail, &mut self.row);
        self.scanner.push(&lines, |span| {
            scan.push(self.source, *row, span);
            scan.note_last(trail.line(span));
            *row += 1;
        });
        self.trail.leave();
    }
}

/// Whether the lines so far are rows of a known family.
fn is_told(head: &[u8]) -> bool {
    let text = head.strip_prefix(tell::BOM).unwrap_or(head);
    tell::text_kind(text, false) == TextKind::Lines
        && tell::family(&tell::line_values(text, false), Shape::Lines)
            .is_some_and(|told| told.layout == Layout::Rows && told.format.is_some())
}

/// What a named source is that no reader knows: rows are told one by one when they are opened.
fn untold(seed: &Seed, layout: Layout, shape: Shape) -> Option<Told> {
    seed.is_explicit.then_some(Told {
        format: None,
        layout,
        shape,
    })
}

/// One line may be a file's whole value or the first of rows to come; the name breaks the tie.
fn one_line(seed: &Seed, text: &[u8]) -> Option<Told> {
    let values = tell::line_values(text, true);
    let as_object = || tell::family(&values, Shape::Object);
    let as_lines = || tell::family(&values, Shape::Lines);
    if names::says_lines(&seed.name()) {
        as_lines()
            .or_else(as_object)
            .or_else(|| untold(seed, Layout::Rows, Shape::Lines))
    } else {
        as_object()
            .map(|told| match told.layout {
                Layout::Rows => Told {
                    shape: Shape::Lines,
                    ..told
                },
                _ => told,
            })
            .or_else(as_lines)
    }
}

/// A reader over the unpacked bytes from `start` on.
fn reader_of(
    seed: &Seed,
    feed: &Feed,
    origin: &Origin,
    start: u64,
) -> Option<Box<dyn Read + Send>> {
    let file = match (origin, feed.spool()) {
        (Origin::Stretch(file, base), _) => {
            let span = Span::new(base + start, base + feed.at());
            return Some(Box::new(SharedFile::new(Arc::clone(file), span)));
        }
        (_, Some(spool)) => Arc::clone(spool),
        _ => Arc::new(File::open(&seed.path).ok()?),
    };
    let len = file.metadata().ok()?.len();
    let span = Span::new(start.min(len), len);
    Some(Box::new(SharedFile::new(file, span)))
}

/// The skeleton of the object that is the whole source.
fn whole_value(seed: &Seed, feed: &Feed, origin: &Origin) -> Option<Value> {
    let len = match origin {
        Origin::Disk => std::fs::metadata(&seed.path).ok()?.len(),
        _ => feed.at(),
    };
    tell::object_value(reader_of(seed, feed, origin, 0)?, len)
}
