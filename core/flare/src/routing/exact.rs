//! Routes without parameters, by method and whole path: most requests are for one of them, and it beats every other pattern.
//!
//! Only patterns without percent-encoding are here: such a path says in bytes what it means. What is not found here may still have a
//! route: for any method, for GET where HEAD is asked for, or for the same path written otherwise.

/// A hash table with open addressing. Only routes of the program's own are put in, so nobody can make its chains long.
#[derive(Debug, Default, Clone)]
pub(super) struct Exact {
    routes: Vec<Entry>,
    /// Indexes into `routes`, each one up; 0 is free. A power of two, at least twice as many as routes.
    places: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Entry {
    method: u64,
    path: Box<[u8]>,
    route: usize,
}

impl Exact {
    /// Adds a route whose pattern has no parameters. Not every one can be here.
    pub(super) fn add(&mut self, method: &str, pattern: &str, route: usize) {
        if pattern.contains('%') || method == "*" {
            return;
        }
        let Some(method) = word(method.as_bytes()) else { return };
        self.routes.push(Entry { method, path: pattern.as_bytes().into(), route });
        let size = (2 * self.routes.len()).next_power_of_two();
        self.places = vec![0; size];
        for (number, entry) in (1..).zip(&self.routes) {
            let mut at = hash(entry.method, &entry.path) & (size - 1);
            while self.places[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            self.places[at] = number;
        }
    }

    /// The route of a method and a raw path.
    #[inline]
    pub(super) fn find(&self, method: &[u8], path: &[u8]) -> Option<usize> {
        let method = word(method)?;
        let mut at = hash(method, path);
        loop {
            at &= self.places.len().wrapping_sub(1);
            // None: the table is empty. Otherwise half of it is free, so this ends.
            let number = *self.places.get(at)? as usize;
            let entry = self.routes.get(number.wrapping_sub(1))?;
            if entry.method == method && *entry.path == *path {
                return Some(entry.route);
            }
            at += 1;
        }
    }
}

/// The bytes of a method of up to eight as a number, which no other one has. Those in use are no longer, but for a few.
#[inline]
fn word(method: &[u8]) -> Option<u64> {
    if *method.last()? == 0 {
        // It would have the number of the same without its end. No method of a request has a NUL.
        return None;
    }
    if let (Some(first), Some(last), 4..=8) = (method.first_chunk(), method.last_chunk(), method.len()) {
        // Bytes that are in both halves fall on themselves.
        let last = u64::from(u32::from_le_bytes(*last)) << (8 * (method.len() - 4));
        return Some(u64::from(u32::from_le_bytes(*first)) | last);
    }
    match *method {
        [a, b, c] => Some(u64::from(u32::from_le_bytes([a, b, c, 0]))),
        [a, b] => Some(u64::from(u32::from_le_bytes([a, b, 0, 0]))),
        [a] => Some(u64::from(a)),
        _ => None,
    }
}

#[inline]
fn hash(method: u64, path: &[u8]) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(ODD);
    let (chunks, rest) = path.as_chunks();
    let mut hash = method.wrapping_mul(ODD);
    for chunk in chunks {
        hash = mix(hash, u64::from_le_bytes(*chunk));
    }
    hash = match path.last_chunk() {
        // The last word may overlap the one before.
        Some(last) => mix(hash, u64::from_le_bytes(*last)),
        None => rest.iter().fold(hash, |hash, &byte| mix(hash, u64::from(byte))),
    };
    (hash ^ hash >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_is_found_and_nothing_else() {
        let mut exact = Exact::default();
        assert_eq!(exact.find(b"GET", b"/"), None);
        let methods = ["G", "GE", "GET", "POST", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];
        let paths: Vec<String> =
            (0..60).map(|len| format!("/{}", "ab/".repeat(len).split_at(len).0)).collect();
        let all = || methods.iter().flat_map(|method| paths.iter().map(move |path| (*method, path)));
        for (route, (method, path)) in all().enumerate() {
            assert_eq!(exact.find(method.as_bytes(), path.as_bytes()), None);
            exact.add(method, path, route);
        }
        for (route, (method, path)) in all().enumerate() {
            assert_eq!(exact.find(method.as_bytes(), path.as_bytes()), Some(route));
        }
        for (method, path) in
            [("get", "/"), ("GET", ""), ("GET", "/ab/x"), ("GETS", "/"), ("", "/"), ("PROPFINDS", "/")]
        {
            assert_eq!(exact.find(method.as_bytes(), path.as_bytes()), None, "{method} {path}");
        }
    }

    #[test]
    fn some_are_left_to_the_search() {
        let mut exact = Exact::default();
        for (method, pattern) in [("*", "/a"), ("GET", "/a%2Fb"), ("PROPPATCH", "/a")] {
            exact.add(method, pattern, 0);
        }
        assert!(exact.routes.is_empty());
    }

    #[test]
    fn methods_have_numbers_of_their_own() {
        let names = ["A", "AA", "AAA", "AAAA", "AAAAA", "AAAAAA", "AAAAAAA", "AAAAAAAA", "ABCD", "ABCDABCD"];
        for (at, name) in names.iter().enumerate() {
            let word = word(name.as_bytes()).unwrap();
            assert_eq!(&word.to_le_bytes()[..name.len()], name.as_bytes());
            assert!(names[..at].iter().all(|other| super::word(other.as_bytes()) != Some(word)), "{name}");
        }
        assert_eq!((word(b""), word(b"AAA\0")), (None, None));
    }
}
