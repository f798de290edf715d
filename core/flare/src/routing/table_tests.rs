//! The rules of the module, case by case, on [`RouteTable`].

use super::{Found, Params, RouteError, RouteProblem, RouteTable};

fn table(routes: &[(&str, &str)]) -> RouteTable<String> {
    let mut table = RouteTable::new();
    for (method, pattern) in routes {
        table.insert(method, pattern, format!("{method} {pattern}")).unwrap();
    }
    table
}

/// The answer in words: the route and its parameters, or the name of the answer and its methods.
fn ask(table: &RouteTable<String>, method: &str, path: &str) -> String {
    let mut params = Params::new();
    match table.find(method, path, &mut params) {
        Found::Match(route) => {
            let mut text = route.clone();
            for (name, value) in params.iter() {
                text += &format!(" {name}={}", value.escape_ascii());
            }
            text
        }
        other => {
            assert!(params.is_empty());
            match other {
                Found::Options { allow } => format!("options {allow}"),
                Found::NotAllowed { allow } => format!("not allowed {allow}"),
                Found::NotFound => "not found".to_owned(),
                _ => "bad path".to_owned(),
            }
        }
    }
}

#[track_caller]
fn check(routes: &[(&str, &str)], cases: &[(&str, &str, &str)]) {
    let table = table(routes);
    for (method, path, expected) in cases {
        assert_eq!(ask(&table, method, path), *expected, "{method} {path}");
    }
}

#[test]
fn matches_segments() {
    check(
        &[("GET", "/"), ("GET", "/hi/:name"), ("GET", "/files/*p"), ("GET", "/a/"), ("GET", "/x/:a/y/:b/*c")],
        &[
            ("GET", "/", "GET /"),
            ("GET", "/hi/bob", "GET /hi/:name name=bob"),
            ("GET", "/hi/", "not found"),
            ("GET", "/hi", "not found"),
            ("GET", "/hi/bob/", "not found"),
            ("GET", "/files", "not found"),
            ("GET", "/files/", "GET /files/*p p="),
            ("GET", "/files//", "GET /files/*p p=/"),
            ("GET", "/files/a//b/", "GET /files/*p p=a//b/"),
            ("GET", "/files/../b", "GET /files/*p p=../b"),
            ("GET", "/a/", "GET /a/"),
            ("GET", "/a", "not found"),
            ("GET", "//", "not found"),
            ("GET", "/x/1/y/2/", "GET /x/:a/y/:b/*c a=1 b=2 c="),
            ("GET", "/x/1/y/2/3/4", "GET /x/:a/y/:b/*c a=1 b=2 c=3/4"),
            ("GET", "/x/1/y//3", "not found"),
            ("GET", "/A/", "not found"),
        ],
    );
}

#[test]
fn decodes_after_splitting() {
    check(
        &[
            ("GET", "/hi/:name"),
            ("GET", "/files/*p"),
            ("GET", "/grüße"),
            ("GET", "/a%2Fb/c"),
            ("GET", "/%2541"),
        ],
        &[
            ("GET", "/hi/a%2Fb", "GET /hi/:name name=a/b"),
            ("GET", "/hi/a%20b+c", "GET /hi/:name name=a b+c"),
            ("GET", "/%68%69/%ff", r"GET /hi/:name name=\xff"),
            ("GET", "/files/a%2fb/%63", "GET /files/*p p=a%2Fb/c"),
            ("GET", "/files%2Fa", "not found"),
            ("GET", "/gr%C3%BC%c3%9fe", "GET /grüße"),
            ("GET", "/grüße", "GET /grüße"),
            ("GET", "/a%2fb/c", "GET /a%2Fb/c"),
            ("GET", "/a/b/c", "not found"),
            ("GET", "/%2541", "GET /%2541"),
            ("GET", "/%41", "not found"),
            ("GET", "/A", "not found"),
        ],
    );
}

#[test]
fn refuses_bad_paths() {
    let bad =
        ["", "a", "*", "http://a/", "a:80", "/%", "/%4", "/%zz", "/none/%+1", "/hi/%00", "/%00/x", "/hi/\0"];
    let cases: Vec<_> = bad.iter().map(|path| ("GET", *path, "bad path")).collect();
    check(&[("GET", "/hi/:name")], &cases);
    check(&[], &cases);
}

#[test]
fn prefers_the_most_specific() {
    check(
        &[("GET", "/:x/b/c"), ("GET", "/a/:y/d"), ("GET", "/a/*z"), ("GET", "/a/b"), ("GET", "/*all")],
        &[
            ("GET", "/a/b", "GET /a/b"),
            ("GET", "/a/c", "GET /a/*z z=c"),
            ("GET", "/a/b/d", "GET /a/:y/d y=b"),
            // Text in the first segment weighs more than text in all the others.
            ("GET", "/a/b/c", "GET /a/*z z=b/c"),
            ("GET", "/q/b/c", "GET /:x/b/c x=q"),
            ("GET", "/q/b", "GET /*all all=q/b"),
            ("GET", "/", "GET /*all all="),
            ("GET", "/a", "GET /*all all=a"),
        ],
    );
}

#[test]
fn falls_back_by_method() {
    check(
        &[("GET", "/a/b"), ("PUT", "/a/:x"), ("DELETE", "/*all"), ("*", "/any/:x"), ("POST", "/any/:x")],
        &[
            ("GET", "/a/b", "GET /a/b"),
            ("PUT", "/a/b", "PUT /a/:x x=b"),
            ("DELETE", "/a/b", "DELETE /*all all=a/b"),
            ("PATCH", "/a/b", "not allowed DELETE, GET, HEAD, OPTIONS, PUT"),
            ("PATCH", "/a/c", "not allowed DELETE, OPTIONS, PUT"),
            ("get", "/a/b", "not allowed DELETE, GET, HEAD, OPTIONS, PUT"),
            ("", "/a/b", "not allowed DELETE, GET, HEAD, OPTIONS, PUT"),
            ("POST", "/any/1", "POST /any/:x x=1"),
            ("DELETE", "/any/1", "* /any/:x x=1"),
            ("OPTIONS", "/any/1", "* /any/:x x=1"),
            ("*", "/any/1", "* /any/:x x=1"),
        ],
    );
}

#[test]
fn answers_head_and_options() {
    check(
        &[
            ("GET", "/a"),
            ("HEAD", "/h"),
            ("GET", "/h"),
            ("*", "/g"),
            ("GET", "/g"),
            ("POST", "/p"),
            ("OPTIONS", "/o"),
        ],
        &[
            ("HEAD", "/a", "GET /a"),
            ("HEAD", "/h", "HEAD /h"),
            ("HEAD", "/g", "GET /g"),
            ("HEAD", "/p", "not allowed OPTIONS, POST"),
            ("OPTIONS", "/a", "options GET, HEAD, OPTIONS"),
            ("OPTIONS", "/h", "options GET, HEAD, OPTIONS"),
            ("OPTIONS", "/o", "OPTIONS /o"),
            ("GET", "/o", "not allowed OPTIONS"),
            ("OPTIONS", "/none", "not found"),
            ("OPTIONS", "*", "options GET, HEAD, OPTIONS, POST"),
            ("GET", "*", "bad path"),
        ],
    );
    check(
        &[],
        &[("OPTIONS", "*", "options OPTIONS"), ("OPTIONS", "/", "not found"), ("GET", "/", "not found")],
    );
}

#[test]
fn finds_among_many_texts() {
    let patterns: Vec<String> = (0..100).map(|n| format!("/{n}/x{n}")).collect();
    let routes: Vec<_> = patterns.iter().map(|pattern| ("GET", pattern.as_str())).collect();
    let table = table(&routes);
    for (n, pattern) in patterns.iter().enumerate() {
        assert_eq!(ask(&table, "GET", pattern), format!("GET {pattern}"));
        assert_eq!(ask(&table, "GET", &format!("/{n}/%78{n}")), format!("GET {pattern}"));
        assert_eq!(ask(&table, "GET", &format!("{pattern}0")), "not found");
    }
}

#[test]
fn refuses_conflicts() {
    for (first, second) in [
        ("/a/:x", "/a/:y"),
        ("/*x", "/*y"),
        ("/a", "/%61"),
        ("/ü", "/%C3%BC"),
        ("/", "/"),
        ("/a/:x/*y", "/%61/:y/*x"),
    ] {
        for method in ["GET", "*", "X"] {
            let mut table = table(&[(method, first)]);
            let error = table.insert(method, second, String::new()).unwrap_err();
            assert_eq!(error.problem(), RouteProblem::Conflict);
            assert_eq!((error.method(), error.pattern(), error.other()), (method, second, Some(first)));
            assert_eq!(table.len(), 1);
            table.insert("OTHER", second, "other".to_owned()).unwrap();
        }
    }
    let error = table(&[("GET", "/a/:x")]).insert("GET", "/a/:y", String::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"route "GET" "/a/:y": the same method and the same shape as another route: "/a/:x""#
    );
}

#[test]
fn refuses_bad_routes() {
    let mut table = table(&[]);
    let mut problem = |method, pattern| table.insert(method, pattern, String::new()).unwrap_err().problem();
    assert_eq!(problem("", "/"), RouteProblem::BadMethod);
    assert_eq!(problem("A B", "/"), RouteProblem::BadMethod);
    assert_eq!(problem("GET", "a"), RouteProblem::MissingSlash);
    assert_eq!(problem("GET", "/:a/:a"), RouteProblem::DuplicateName);
    assert!(table.is_empty());
    for n in 0..64 {
        table.insert(&format!("M{n}"), "/", String::new()).unwrap();
    }
    let error = table.insert("M64", "/", String::new()).unwrap_err();
    assert_eq!(error.problem(), RouteProblem::TooManyMethods);
    assert_eq!(error.to_string(), r#"route "M64" "/": a table must not have more than 64 different methods"#);
    table.insert("*", "/", "any".to_owned()).unwrap();
    table.insert("M63", "/a", "last".to_owned()).unwrap();
    assert_eq!(ask(&table, "M63", "/a"), "last");
    assert_eq!(ask(&table, "M64", "/"), "any");
}

#[test]
fn mounts() {
    let users = [("GET", "/"), ("POST", "/"), ("GET", "/:id"), ("GET", "/files/*p")];
    let mut main = table(&[("GET", "/"), ("DELETE", "/api/users")]);
    main.mount("/api/users", table(&users)).unwrap();
    main.mount("/t/:tenant", table(&users)).unwrap();
    main.mount("/", table(&[("GET", "/about")])).unwrap();
    for (method, path, expected) in [
        ("GET", "/", "GET /"),
        ("GET", "/about", "GET /about"),
        ("GET", "/api/users", "GET /"),
        ("PATCH", "/api/users", "not allowed DELETE, GET, HEAD, OPTIONS, POST"),
        ("GET", "/api/users/", "not found"),
        ("GET", "/api/users/7", "GET /:id id=7"),
        ("GET", "/t/acme/7", "GET /:id tenant=acme id=7"),
        ("GET", "/t/acme/files/a/b", "GET /files/*p tenant=acme p=a/b"),
        ("POST", "/t/acme", "POST / tenant=acme"),
    ] {
        assert_eq!(ask(&main, method, path), expected, "{method} {path}");
    }
    let patterns: Vec<_> = main.routes().map(|(method, pattern, _)| (method, pattern)).collect();
    assert_eq!(patterns[2..5], [("GET", "/api/users"), ("POST", "/api/users"), ("GET", "/api/users/:id")]);
}

#[test]
fn a_refused_mount_changes_nothing() {
    let mut main = table(&[("GET", "/api/:x"), ("GET", "/a")]);
    let before = format!("{main:?}");
    let mut refused = |prefix: &str, routes: &[(&str, &str)]| -> RouteError {
        let error = main.mount(prefix, table(routes)).unwrap_err();
        assert_eq!(format!("{main:?}"), before, "{prefix}");
        error
    };
    assert_eq!(refused("api", &[]).problem(), RouteProblem::MissingSlash);
    assert_eq!(refused("", &[]).problem(), RouteProblem::MissingSlash);
    assert_eq!(refused("/api/", &[]).problem(), RouteProblem::PrefixSlash);
    assert_eq!(refused("/*api", &[]).problem(), RouteProblem::PrefixRest);
    assert_eq!(refused("/:id", &[("GET", "/ok"), ("GET", "/:id")]).problem(), RouteProblem::DuplicateName);
    assert_eq!(refused("/a".repeat(32).as_str(), &[("GET", "/b")]).problem(), RouteProblem::TooManySegments);
    let error = refused("/api", &[("PUT", "/ok"), ("GET", "/:y")]);
    assert_eq!((error.pattern(), error.other()), ("/api/:y", Some("/api/:x")));
    let many: Vec<String> = (0..64).map(|n| format!("M{n}")).collect();
    let many: Vec<_> = many.iter().map(|method| (method.as_str(), "/b")).collect();
    assert_eq!(refused("/api", &many).problem(), RouteProblem::TooManyMethods);
}
