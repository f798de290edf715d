//! Which file a request names: the rest of its path, made safe.

/// What the rest of a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// A file, or a directory without its slash.
    File(&'a [u8]),
    /// A directory: its path with the final slash, or nothing for the root itself.
    Directory(&'a [u8]),
}

/// Reads the decoded rest of a path. `None`: it names nothing that may be served.
///
/// Names must not be empty, `.` or `..`. A backslash is a separator for other systems and for browsers, so a path with one is
/// not what it seems. The router has refused NUL, and has left an encoded slash encoded. `hidden`: names may begin with a dot.
pub(super) fn read(rest: &[u8], hidden: bool) -> Option<Name<'_>> {
    let names = rest.strip_suffix(b"/").unwrap_or(rest);
    if rest.is_empty() {
        return Some(Name::Directory(rest));
    }
    if !names.split(|&byte| byte == b'/').all(|name| is_name(name, hidden)) {
        return None;
    }
    Some(if names.len() == rest.len() { Name::File(rest) } else { Name::Directory(rest) })
}

fn is_name(name: &[u8], hidden: bool) -> bool {
    let dots_only = matches!(name, b"" | b"." | b"..");
    !dots_only
        && (hidden || name.first() != Some(&b'.'))
        && !name.iter().any(|byte| matches!(byte, 0 | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_files_or_directories() {
        for file in ["a", "a/b.txt", "a..b", "...", "a%2Fb", "\u{fc}", "~", "a:b", " ", "-"] {
            assert_eq!(read(file.as_bytes(), true), Some(Name::File(file.as_bytes())), "{file}");
        }
        for directory in ["", "a/", "a/b/"] {
            assert_eq!(read(directory.as_bytes(), false), Some(Name::Directory(directory.as_bytes())));
        }
    }

    #[test]
    fn ways_out_are_refused() {
        for out in [
            "..", ".", "../a", "a/..", "a/../b", "./a", "a/.", "a/./b", "../", "a/../", "/", "/a", "//",
            "a//b", "a//", "//a", "a\\b", "..\\a", "\\", "C:\\a", "a\0b", "\0",
        ] {
            assert_eq!(read(out.as_bytes(), true), None, "{out:?}");
            assert_eq!(read(out.as_bytes(), false), None, "{out:?}");
        }
    }

    #[test]
    fn hidden_names_are_refused_unless_wanted() {
        for hidden in [".git", ".git/config", "a/.env", "a/.b/c", ".well-known/x", "..."] {
            assert_eq!(read(hidden.as_bytes(), false), None, "{hidden}");
            assert_eq!(read(hidden.as_bytes(), true), Some(Name::File(hidden.as_bytes())));
        }
    }
}
