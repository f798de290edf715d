//! How much of a message is taken before its end has to come.

/// Bounds on what a peer may send. They hold for each message.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The whole head, in bytes, with its start line and its empty line. Default 32 KiB.
    pub head_bytes: u32,
    /// The request target, in bytes. Default 8 KiB. Only for servers.
    pub target_bytes: u32,
    /// The number of header fields, and of trailer fields. Default 128. Above 128, each head costs an allocation.
    pub header_count: u16,
    /// The trailer section, in bytes. Default 8 KiB.
    pub trailer_bytes: u32,
    /// The line before a chunk, in bytes: size, extensions and CRLF. Default 1 KiB.
    pub chunk_line_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head_bytes: 32 * 1024,
            target_bytes: 8 * 1024,
            header_count: 128,
            trailer_bytes: 8 * 1024,
            chunk_line_bytes: 1024,
        }
    }
}
