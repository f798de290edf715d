//! The right to write to an exchange that became a byte stream of another protocol.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use crate::exchange::{AnswerError, Exchange, Flow, Home, SharedChannel, Told};

/// What is left to its handler of an exchange that became a byte stream ([`Exchange::switch_protocol`]): the channel, and not the request, which goes when
/// nobody else keeps it. Dropping it before the end of what is sent cuts the stream.
#[derive(Debug)]
pub(crate) struct ByteStream {
    channel: SharedChannel,
}

impl ByteStream {
    /// Of an exchange that has switched.
    pub(crate) fn of(exchange: Exchange) -> Self {
        let channel = SharedChannel::clone(&exchange.request().block.channel);
        exchange.dissolve();
        Self { channel }
    }

    pub(crate) fn home(&self) -> &dyn Home {
        &*self.channel.home
    }

    /// Whether it is over, whoever ended it.
    pub(crate) fn is_over(&self) -> bool {
        self.channel.state.cancelled().is_some()
    }

    /// Sends some bytes, which are taken whole or refused.
    pub(crate) fn write(&self, data: impl Into<Bytes>) -> Result<(), AnswerError> {
        self.channel.write(data.into())
    }

    /// Ends what is sent with some last bytes, which are taken whether there is room or not: they must be few.
    pub(crate) fn finish_with_last(&self, data: Bytes) -> Result<(), AnswerError> {
        self.channel.check_alive()?;
        {
            let mut stream = self.channel.stream.lock();
            if stream.sent_all || stream.over {
                return Err(self.channel.over());
            }
            stream.push_last(data);
            stream.sent_all = true;
        }
        self.channel.tell();
        Ok(())
    }

    /// Whether a write would be taken. If not, [`Event::Writable`](crate::exchange::Event) says when one would.
    pub(crate) fn has_room(&self) -> bool {
        self.channel.stream.lock().has_room()
    }

    /// Asks for [`Event::Writable`](crate::exchange::Event) when there is room, though no write was refused.
    pub(crate) fn ask_for_room(&self) {
        self.channel.stream.lock().ask_for_room();
        self.channel.tell();
    }

    /// Bytes that wait to be taken.
    pub(crate) fn outbound(&self) -> usize {
        self.channel.stream.lock().outbound()
    }

    /// Calls back for everything that happens, as [`Exchange::on_event`], for a callback that changes what comes where it lies.
    pub(crate) fn on_told(&self, callback: impl FnMut(Told<'_>) -> Flow + Send + 'static) {
        self.channel.listen(Box::new(callback), false, true);
    }

    /// What comes is told again after [`Flow::Pause`].
    pub(crate) fn resume(&self) {
        self.channel.resume();
    }

    /// See [`Exchange::set_alarm`].
    pub(crate) fn set_alarm(&self, after: Duration) {
        self.channel.set_alarm(after);
    }

    /// The worker's time, in milliseconds, when something came last or the alarm rang.
    pub(crate) fn event_time(&self) -> u64 {
        self.channel.stream.now.load(Ordering::Relaxed)
    }

    /// Whether an alarm was set that the worker has not seen yet.
    pub(crate) fn has_new_alarm(&self) -> bool {
        self.channel.stream.lock().alarm.is_some()
    }

    /// Cuts it.
    pub(crate) fn reset(&self) {
        self.channel.give_up();
    }
}

impl Drop for ByteStream {
    fn drop(&mut self) {
        self.channel.abandon();
    }
}
