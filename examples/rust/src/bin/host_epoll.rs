//! A server in a loop of epoll: one descriptor stands for all it does, deadlines included. No thread is made for it.
#![allow(clippy::print_stdout, reason = "a program, not a library")]
use std::error::Error;

use flare::embed::{Budget, HostServer};
use flare::prelude::*;
use rustix::event::epoll;
use rustix::io::Errno;

fn serve(server: &HostServer) -> Result<(), Box<dyn Error>> {
    let watch = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&watch, server, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
    let mut events = Vec::with_capacity(1);
    while server.drained().is_none() {
        events.clear();
        match epoll::wait(&watch, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // It does a bounded piece of work. If more is left, the descriptor stays readable.
        server.poll(Budget::default())?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let mut router = Router::new();
    router.get("/", |_: &Request| "Hello from the loop!\n")?;
    router.post("/", |request: &Request| format!("{} bytes\n", request.body().len()))?;
    let server = Server::new(router).listen(&address)?.host()?;
    let _signals = server.handle().drain_on_signals()?;
    for bound in server.addresses() {
        println!("listening on {bound}");
    }
    serve(&server)
}
