//! Preconditions: every combination of fields against the steps of RFC 9110, 13.2.2, written out here once more.

use super::tree::{DATE, Tree, send};

const TAG: &str = "\"a-3b9aca00-0\"";
const WEAK: &str = "W/\"a-3b9aca00-0\"";
const EARLIER: &str = "Sun, 09 Sep 2001 01:46:39 GMT";
const LATER: &str = "Sun, 09 Sep 2001 01:46:41 GMT";

/// A value of a field, and whether its condition is true; `None`: as if it were not there.
type Value = (Option<&'static str>, Option<bool>);

const IF_MATCH: [Value; 7] = [
    (None, None),
    (Some(TAG), Some(true)),
    (Some("\"x\", \"a-3b9aca00-0\""), Some(true)),
    (Some("*"), Some(true)),
    (Some(WEAK), Some(false)),
    (Some("\"x\""), Some(false)),
    (Some("nonsense"), Some(false)),
];

const IF_UNMODIFIED_SINCE: [Value; 6] = [
    (None, None),
    (Some(DATE), Some(true)),
    (Some(LATER), Some(true)),
    (Some("Sunday, 09-Sep-01 01:46:40 GMT"), Some(true)),
    (Some(EARLIER), Some(false)),
    (Some("yesterday"), None),
];

const IF_NONE_MATCH: [Value; 7] = [
    (None, None),
    (Some("\"x\""), Some(true)),
    (Some("nonsense"), Some(true)),
    (Some(TAG), Some(false)),
    (Some(WEAK), Some(false)),
    (Some("\"x\" , W/\"a-3b9aca00-0\""), Some(false)),
    (Some("*"), Some(false)),
];

const IF_MODIFIED_SINCE: [Value; 6] = [
    (None, None),
    (Some(EARLIER), Some(true)),
    (Some(DATE), Some(false)),
    (Some(LATER), Some(false)),
    (Some("Sun Sep  9 01:46:40 2001"), Some(false)),
    (Some("tomorrow"), None),
];

/// `Range` is sent beside all but the first.
const IF_RANGE: [Value; 9] = [
    (None, None),
    (None, Some(true)),
    (Some(TAG), Some(true)),
    (Some(DATE), Some(true)),
    (Some(WEAK), Some(false)),
    (Some("\"x\""), Some(false)),
    (Some(EARLIER), Some(false)),
    (Some(LATER), Some(false)),
    (Some("nonsense"), Some(false)),
];

/// The steps of 13.2.2.
fn expected(
    is_get: bool,
    if_match: Option<bool>,
    if_unmodified_since: Option<bool>,
    if_none_match: Option<bool>,
    if_modified_since: Option<bool>,
    if_range: Option<bool>,
) -> u16 {
    match (if_match, if_unmodified_since) {
        (Some(false), _) | (None, Some(false)) => return 412,
        _ => {}
    }
    match (if_none_match, if_modified_since) {
        (Some(false), _) | (None, Some(false)) => return 304,
        _ => {}
    }
    if is_get && if_range == Some(true) { 206 } else { 200 }
}

#[test]
fn every_combination() {
    let tree = Tree::with("a", b"0123456789");
    let client = tree.client();
    let mut seen = std::collections::BTreeMap::new();
    for if_match in IF_MATCH {
        for if_unmodified_since in IF_UNMODIFIED_SINCE {
            for if_none_match in IF_NONE_MATCH {
                for if_modified_since in IF_MODIFIED_SINCE {
                    for (number, if_range) in IF_RANGE.into_iter().enumerate() {
                        let method = if (number + seen.len()) % 4 == 3 { "HEAD" } else { "GET" };
                        let fields = [
                            ("if-match", if_match.0),
                            ("if-unmodified-since", if_unmodified_since.0),
                            ("if-none-match", if_none_match.0),
                            ("if-modified-since", if_modified_since.0),
                            ("range", (number > 0).then_some("bytes=2-4")),
                            ("if-range", if_range.0),
                        ];
                        let answer = send(&client, method, "/files/a", &fields);
                        let wanted = expected(
                            method == "GET",
                            if_match.1,
                            if_unmodified_since.1,
                            if_none_match.1,
                            if_modified_since.1,
                            if_range.1,
                        );
                        assert_eq!(answer.status, wanted, "{method} {fields:?}");
                        let content: &[u8] = match (method, wanted) {
                            ("HEAD", _) | (_, 304) => b"",
                            (_, 206) => b"234",
                            (_, 412) => b"Precondition Failed",
                            _ => b"0123456789",
                        };
                        assert_eq!(answer.body, content, "{method} {fields:?}");
                        *seen.entry((method, wanted)).or_insert(0) += 1;
                    }
                }
            }
        }
    }
    let kinds: Vec<_> = seen.keys().copied().collect();
    let wanted =
        [("GET", 200), ("GET", 206), ("GET", 304), ("GET", 412), ("HEAD", 200), ("HEAD", 304), ("HEAD", 412)];
    assert_eq!(kinds, wanted, "some outcome was never asked for: {seen:?}");
}

#[test]
fn several_lines_of_one_field() {
    let tree = Tree::with("a", b"0123456789");
    let client = tree.client();
    for (name, values, status) in [
        ("if-match", ["\"x\"", TAG], 200),
        ("if-match", ["\"x\"", "\"y\""], 412),
        ("if-none-match", ["\"x\"", WEAK], 304),
        ("if-none-match", ["\"x\"", "\"y\""], 200),
        // No list, so two of them are no date (13.1.3, 13.1.4).
        ("if-modified-since", [LATER, LATER], 200),
        ("if-unmodified-since", [EARLIER, EARLIER], 200),
    ] {
        let fields = values.map(|value| (name, Some(value)));
        assert_eq!(send(&client, "GET", "/files/a", &fields).status, status, "{name}: {values:?}");
    }
    let range = ("range", Some("bytes=0-1"));
    let twice = ("if-range", Some(TAG));
    assert_eq!(send(&client, "GET", "/files/a", &[range, twice]).status, 206);
    assert_eq!(send(&client, "GET", "/files/a", &[range, twice, twice]).status, 200);
}

#[test]
fn what_is_not_there_has_no_conditions() {
    let client = Tree::with("a", b"").client();
    for name in ["if-match", "if-none-match"] {
        assert_eq!(send(&client, "GET", "/files/none", &[(name, Some("*"))]).status, 404);
    }
}
