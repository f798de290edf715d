//! Pieces of content on their way into the output of a connection.

use flare_net::Output;

use crate::message::Part;

/// Pieces up to this size are copied to what is before them; larger ones leave from where they are. Below it, one more `iovec`
/// costs more than the copy.
pub(crate) const COPY_LIMIT: usize = 8 * 1024;

/// Adds a piece to what is sent.
pub(crate) fn push(part: Part, out: &mut Output) {
    match part {
        Part::Bytes(bytes) if bytes.len() <= COPY_LIMIT => out.buffer().extend_from_slice(&bytes),
        Part::Bytes(bytes) => out.push_shared(bytes),
        Part::File(file) => out.push_file(file.file, file.offset, file.length),
    }
}
