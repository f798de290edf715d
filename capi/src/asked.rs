//! What stands behind a request of one's own: what is asked, the exchange that carries it, and what came back.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use flare::Headers;
use flare::client::{ExchangeId, Request, Response};

use crate::client_state::ClientState;
use crate::guard::Failure;
use crate::status::*;

/// A request that a client sends, and its answer: two faces of one exchange, as on a server.
pub(crate) struct Asked {
    draft: Mutex<Draft>,
    /// The exchange, once it has begun.
    link: OnceLock<Link>,
    head: OnceLock<Response>,
    trailers: OnceLock<Headers>,
    content: OnceLock<Vec<u8>>,
    /// Why no more of the answer comes; `FLARE_OK`: it may.
    over: AtomicI32,
}

/// What is being written.
struct Draft {
    request: Request,
    trailers: Headers,
    /// It was given to a client.
    is_sent: bool,
}

/// Where the exchange runs.
pub(crate) struct Link {
    pub(crate) client: Weak<ClientState>,
    pub(crate) exchange: ExchangeId,
}

/// An answer, as far as it has come.
pub(crate) struct Answer<'a> {
    pub(crate) head: Option<&'a Response>,
    pub(crate) trailers: Option<&'a Headers>,
    /// When it was collected.
    pub(crate) content: &'a [u8],
}

impl Asked {
    pub(crate) fn new(request: Request) -> Self {
        let draft = Draft { request, trailers: Headers::new(), is_sent: false };
        Self {
            draft: Mutex::new(draft),
            link: OnceLock::new(),
            head: OnceLock::new(),
            trailers: OnceLock::new(),
            content: OnceLock::new(),
            over: AtomicI32::new(FLARE_OK),
        }
    }

    fn draft(&self) -> MutexGuard<'_, Draft> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the head, as long as it was not sent.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut Request) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut draft = self.draft();
        if draft.is_sent {
            return Err(sent());
        }
        change(&mut draft.request)
    }

    /// Changes the trailers, which leave with the end.
    pub(crate) fn change_trailers(
        &self,
        change: impl FnOnce(&mut Headers) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        change(&mut self.draft().trailers)
    }

    pub(crate) fn outgoing_trailers(&self) -> Headers {
        self.draft().trailers.clone()
    }

    /// Takes the head to send it, which can be done once; when that fails, it is as before.
    pub(crate) fn send<R>(&self, send: impl FnOnce(&Request) -> Result<R, Failure>) -> Result<R, Failure> {
        let request = {
            let mut draft = self.draft();
            if draft.is_sent {
                return Err(sent());
            }
            draft.is_sent = true;
            draft.request.clone()
        };
        send(&request).inspect_err(|_| self.draft().is_sent = false)
    }

    pub(crate) fn begin(&self, client: Weak<ClientState>, exchange: ExchangeId) {
        // Err: can't be, a head is sent once.
        let _ = self.link.set(Link { client, exchange });
    }

    /// The exchange that runs.
    pub(crate) fn link(&self) -> Result<&Link, Failure> {
        self.link
            .get()
            .ok_or_else(|| Failure::new(FLARE_ERROR_INVALID_STATE, "the request was not given to a client"))
    }

    pub(crate) fn answer(&self, head: Response) {
        // Err: can't be, there is one final head.
        let _ = self.head.set(head);
    }

    pub(crate) fn end(&self, trailers: Headers) {
        // Err: can't be, there is one end.
        let _ = self.trailers.set(trailers);
    }

    pub(crate) fn collect(&self, content: Vec<u8>) {
        // Err: can't be, there is one fetch.
        let _ = self.content.set(content);
    }

    pub(crate) fn as_answer(&self) -> Answer<'_> {
        let content = self.content.get().map_or(&[][..], Vec::as_slice);
        Answer { head: self.head.get(), trailers: self.trailers.get(), content }
    }

    /// The answer is whole.
    pub(crate) fn is_answered(&self) -> bool {
        self.trailers.get().is_some()
    }

    /// No more of the answer comes, for this reason. The first one counts.
    pub(crate) fn give_up(&self, code: i32) {
        // Err: it was over before.
        let _ = self.over.compare_exchange(FLARE_OK, code, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The caller lets it go.
    pub(crate) fn cancel(&self) {
        if !self.is_answered() {
            self.give_up(FLARE_ERROR_CANCELLED);
        }
    }

    /// Why no more of the answer comes, or `FLARE_OK`.
    pub(crate) fn cancelled(&self) -> i32 {
        self.over.load(Ordering::Acquire)
    }
}

impl Drop for Asked {
    /// Nobody holds it any more, so nobody waits for the answer.
    fn drop(&mut self) {
        if let Some(link) = self.link.get()
            && let Some(client) = link.client.upgrade()
        {
            client.let_go(link.exchange);
        }
    }
}

fn sent() -> Failure {
    Failure::new(FLARE_ERROR_FINISHED, "the request was sent before")
}
