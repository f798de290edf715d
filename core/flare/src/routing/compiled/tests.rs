use super::*;

static TABLE: StaticTable<7> = StaticTable::new([
    ("GET", "/"),
    ("GET", "/hi/:name"),
    ("POST", "/hi/:other"),
    ("PUT", "/hi/bob"),
    ("GET", "/files/*path"),
    ("*", "/any"),
    ("GET", "/%61%2Fb"),
]);

fn find<'t>(method: &str, path: &str) -> (Found<'t, usize>, Vec<(String, String)>) {
    let mut params = Params::new();
    let found = TABLE.find(method, path, &mut params);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (found, params.iter().map(|(name, value)| (name.to_owned(), text(value))).collect())
}

#[test]
fn finds_the_index() {
    for (method, path, index, params) in [
        ("GET", "/", 0, &[][..]),
        ("GET", "/hi/bob", 1, &[("name", "bob")]),
        ("POST", "/hi/a%20b", 2, &[("other", "a b")]),
        ("PUT", "/hi/bob", 3, &[]),
        ("PUT", "/%68i/b%6fb", 3, &[]),
        ("HEAD", "/files/a/b%2Fc", 4, &[("path", "a/b%2Fc")]),
        ("BREW", "/any", 5, &[]),
        ("GET", "/a%2fb", 6, &[]),
    ] {
        let (found, values) = find(method, path);
        assert_eq!(found, Found::Match(&index), "{method} {path}");
        let values: Vec<_> = values.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(values, params, "{method} {path}");
    }
}

#[test]
fn says_what_is_missing() {
    assert!(matches!(find("GET", "/a/b").0, Found::NotFound));
    assert!(matches!(find("GET", "/%zz").0, Found::BadPath));
    for (method, path, expected) in [
        ("DELETE", "/hi/bob", "GET, HEAD, OPTIONS, POST, PUT"),
        ("DELETE", "/hi/eve", "GET, HEAD, OPTIONS, POST"),
    ] {
        match find(method, path).0 {
            Found::NotAllowed { allow } => assert_eq!(allow.to_string(), expected, "{method} {path}"),
            other => panic!("{method} {path}: {other:?}"),
        }
    }
    match find("OPTIONS", "*").0 {
        Found::Options { allow } => assert_eq!(allow.to_string(), "GET, HEAD, OPTIONS, POST, PUT"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn may_be_empty() {
    static EMPTY: StaticTable<0> = StaticTable::new([]);
    assert!(EMPTY.is_empty());
    assert_eq!(EMPTY.find("GET", "/", &mut Params::new()), Found::NotFound);
}

#[test]
fn keeps_the_order_given() {
    let routes: Vec<_> = TABLE.routes().collect();
    assert_eq!(routes.len(), TABLE.len());
    assert_eq!(routes[2], ("POST", "/hi/:other"));
}

/// At run time the same check panics, so its message can be read.
fn message(routes: [(&'static str, &'static str); 2]) -> String {
    let error = std::panic::catch_unwind(|| StaticTable::new(routes)).unwrap_err();
    error.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn names_the_route_that_is_wrong() {
    assert_eq!(
        message([("GET", "/a/:x"), ("GET", "/a/:y")]),
        r#"route "GET" "/a/:y": the same method and the same shape as another route: "/a/:x""#
    );
    assert_eq!(message([("GET", "/"), ("PUT", "a")]), r#"route "PUT" "a": a pattern must start with '/'"#);
    assert_eq!(
        message([("GET", "/"), ("", "/")]),
        r#"route "" "/": a method must be a token, or "*" for any method"#
    );
}
