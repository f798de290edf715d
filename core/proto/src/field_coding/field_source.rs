//! Where the fields of a section come from.

use super::budget::Budget;
use super::decoded_field::DecodedField;

/// A field section of HPACK or QPACK that is being read.
pub(crate) trait FieldSource {
    /// Why it can't be read.
    type Error;

    /// Reads the next field that is taken, and appends it to `text`. `None`: that was all, or all that the budget takes.
    fn next(&mut self, budget: &mut Budget, text: &mut Vec<u8>) -> Result<Option<DecodedField>, Self::Error>;

    /// Does what has to be done when nobody wants the rest.
    fn skip(&mut self, budget: &mut Budget) -> Result<(), Self::Error>;
}
