//! A client: fetches several things from one server, at the same time where the wire can, and writes their content to standard output in
//! the order they were asked for.
//!
//!     fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH...
//!
//! `--http2`: without TLS, by prior knowledge; with TLS the server chooses. `--http3`: by QUIC. `--send`: POST with the content of a file.
#![allow(clippy::print_stderr, reason = "for programs")]
use std::collections::HashMap;
use std::error::Error;
use std::io::Write;
use std::time::Duration;

use flare::client::{Client, ContentLength, Event, ExchangeId, Request, RequestError};
use flare::connect::{ConnectConfig, Connector};
use flare::tls::{ClientTls, Source, Trust};

#[derive(Default)]
struct Options {
    http2: bool,
    http3: bool,
    trust: Trust,
    send: Option<Vec<u8>>,
    origin: String,
    paths: Vec<String>,
}

/// What has become of one path.
#[derive(Default)]
struct Fetched {
    /// How much of the content was taken.
    sent: usize,
    status: u16,
    content: Vec<u8>,
    ended: bool,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--http2" => options.http2 = true,
            "--http3" => options.http3 = true,
            "--insecure" => options.trust = Trust::InsecureAnyCertificate,
            "--ca" => options.trust = Trust::Roots(vec![Source::file(value()?)]),
            "--send" => options.send = Some(std::fs::read(value()?)?),
            _ if options.origin.is_empty() => options.origin = word,
            _ => options.paths.push(word),
        }
    }
    if options.paths.is_empty() {
        return Err("usage: fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH...".into());
    }
    Ok(options)
}

fn connect(options: &Options, scheme: &str, authority: &str) -> Result<Client, Box<dyn Error>> {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let default = if scheme == "https" { 443 } else { 80 };
    let target = if has_port { authority.to_owned() } else { format!("{authority}:{default}") };
    let mut config = ConnectConfig::default();
    if scheme == "https" {
        let alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config = config.with_tls(ClientTls { trust: options.trust.clone(), alpn, ..ClientTls::default() });
    }
    let connector = Connector::new(config)?;
    if options.http3 {
        return Ok(Client::connect_http3(&connector, &target)?);
    }
    let connection = connector.connect(&target)?;
    Ok(if options.http2 { Client::http2(connection) } else { Client::new(connection) })
}

/// Gives content until no more is taken for now. Waiting here could be for ever: a server that sends back what it gets stops reading when
/// nobody takes that.
fn send(client: &mut Client, id: ExchangeId, content: &[u8], sent: &mut usize) -> Result<(), RequestError> {
    while let Some(rest) = content.get(*sent..).filter(|rest| !rest.is_empty()) {
        let part = rest.get(..16 * 1024).unwrap_or(rest);
        match client.try_write(id, part) {
            Ok(()) => *sent += part.len(),
            // Event::Writable says when to go on.
            Err(RequestError::WouldBlock) => return Ok(()),
            // The server has answered already, and does not want the rest.
            Err(RequestError::Over) => return Ok(()),
            Err(error) => return Err(error),
        }
        if *sent == content.len() {
            client.finish(id, None)?;
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let (scheme, authority) =
        options.origin.split_once("://").ok_or("the address is no http:// or https://")?;
    let mut client = connect(&options, scheme, authority)?;
    let mut asked: Vec<ExchangeId> = Vec::new();
    let mut fetched: HashMap<ExchangeId, Fetched> = HashMap::new();
    let content = options.send.as_deref().unwrap_or_default();
    loop {
        // As many at a time as the connection takes.
        while client.can_open()
            && let Some(path) = options.paths.get(asked.len())
        {
            let method = if options.send.is_some() { "POST" } else { "GET" };
            let length = if content.is_empty() {
                ContentLength::None
            } else {
                ContentLength::Known(content.len() as u64)
            };
            let request = Request {
                scheme: scheme.to_owned(),
                content: length,
                ..Request::new(method, authority, path)
            };
            let id = client.open(&request)?;
            asked.push(id);
            send(&mut client, id, content, &mut fetched.entry(id).or_default().sent)?;
        }
        let all_begun = asked.len() == options.paths.len();
        if all_begun && fetched.values().all(|one| one.ended) {
            break;
        }
        let Some(event) = client.next_event(Some(Duration::from_secs(30)))? else {
            return Err("the server ended the connection".into());
        };
        let id = event.exchange();
        let one = fetched.entry(id).or_default();
        match event {
            Event::Head(_, response) => one.status = response.status,
            Event::Data(_, data) => one.content.extend_from_slice(&data),
            Event::Writable(_) => send(&mut client, id, content, &mut one.sent)?,
            Event::End(..) => one.ended = true,
            Event::Failed(_, failure) => return Err(failure.into()),
            _ => {}
        }
    }
    let mut output = std::io::stdout().lock();
    for (path, id) in options.paths.iter().zip(&asked) {
        let Some(one) = fetched.get(id) else { continue };
        eprintln!("{} {path}", one.status);
        output.write_all(&one.content)?;
    }
    client.close();
    Ok(())
}
