//! Bugs that the runs have to find: each protocol has one of each kind, where it says PLANTED.

use std::cell::Cell;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Something is not delivered.
    Lost,
    /// Something is delivered twice.
    Twice,
    /// A byte is another one.
    Changed,
    /// A buffer has no limit.
    Grows,
    /// Something has no end.
    Endless,
}

pub const BUGS: [(&str, Bug); 5] = [
    ("lost", Bug::Lost),
    ("twice", Bug::Twice),
    ("changed", Bug::Changed),
    ("grows", Bug::Grows),
    ("endless", Bug::Endless),
];

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Plants a bug. Without the feature `planted-bug` there is none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether the code under test has this bug.
pub fn has(bug: Bug) -> bool {
    cfg!(feature = "planted-bug") && PLANTED.get() == Some(bug)
}
