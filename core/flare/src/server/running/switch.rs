//! From messages to a byte stream of another protocol (RFC 9110, 7.8; RFC 8441).

use super::{Content, Running};
use crate::server::environment::Environment;

impl Running {
    /// The head of the answer that accepts the switch is out: what follows it, both ways, are bytes of the new protocol.
    pub(crate) fn switch(&mut self, env: &Environment) {
        self.switched = true;
        self.content = Content::Flowing { allowed: u64::MAX };
        self.held = true;
        self.end_untold = false;
        self.stays_alive(env);
    }

    /// Bytes went either way, so the stream is not idle.
    pub(crate) fn stays_alive(&mut self, env: &Environment) {
        self.answer_deadline = env.now + env.service.config.stream_timeout;
    }
}
