//! Whatever is typed as a query: nothing panics, places are inside it, what parses prints as itself.

#![no_main]

use hgview::query::Query;
use hgview::query::complete;
use hgview::query::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for cursor in (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .take(64)
    {
        assert!(text.get(complete(text, cursor).span).is_some());
    }
    if let Ok(tree) = parse(text) {
        assert!(text.get(tree.span.clone()).is_some());
        let printed = tree.to_string();
        let again = parse(&printed).expect("what was printed parses");
        assert_eq!(again.to_string(), printed);
    }
    match Query::parse(text, 0) {
        Ok(query) => assert!(!query.explained().is_empty()),
        Err(error) => assert!(text.get(error.span.clone()).is_some()),
    }
});
