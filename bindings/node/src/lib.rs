//! flare for Node: an addon over Node-API and libuv.
//!
//! It translates and nothing else: values of JavaScript in, exchanges, routers and servers of `flare` out. What a Node programmer
//! sees is in `../lib`, which is the only caller of the functions here.
//!
//! | module | holds |
//! |---|---|
//! | `js` | Node-API with errors as results |
//! | `uv` | the functions of libuv, found when the addon is loaded |
//! | `environment` | what belongs to one environment of JavaScript: there are several in a process with worker threads |
//! | `turn` | the time in which the core may call JavaScript |
//! | `numbered` | exchanges and sockets by number, which is all that JavaScript holds of them |
//! | `news` | what other threads have to tell the loop |
//! | `packed` | a request as one string |
//! | `handler` | functions of JavaScript as handlers |
//! | `answer`, `content` | what JavaScript does with an exchange: answer it, read it |
//! | `gate` | functions of JavaScript as middleware |
//! | `stock` | middleware and handlers of flare's own |
//! | `router` | routes and what they may decide for themselves |
//! | `server` | a server in the loop of Node |
//! | `tls` | certificates and settings of a server that speaks TLS |
//! | `mux` | many streams on one connection |
//! | `websocket` | WebSockets that were accepted |
//! | `watch`, `hosted` | a descriptor in the loop of Node, and what has one |
//! | `connector`, `client` | connections to servers, and exchanges on them |
//! | `websocket_client` | WebSockets to servers |
//! | `testing` | connections without a socket |
// Node-API is raw pointers: this is one of the crates that may hold unsafe code. Each block says why it is sound.
#![allow(unsafe_code)]

mod answer;
mod client;
mod connector;
mod content;
mod datagrams;
mod environment;
mod gate;
mod handler;
mod hosted;
mod js;
mod mux;
mod news;
mod numbered;
mod packed;
mod router;
mod server;
mod stock;
mod testing;
mod tls;
mod turn;
mod uv;
mod watch;
mod websocket;
mod websocket_client;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use napi_sys as sys;

use environment::Environment;
use js::{Env, Error, Result, Value};

/// What Node calls when it loads the addon, once for each environment.
///
/// # Safety
/// For Node alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn napi_register_module_v1(
    env: sys::napi_env,
    exports: sys::napi_value,
) -> sys::napi_value {
    static FOUND: Once = Once::new();
    // SAFETY: looks up the functions of Node-API in this process, before any of them is called.
    FOUND.call_once(|| std::mem::forget(unsafe { sys::setup() }));
    let (env, exports) = (Env(env), Value(exports));
    let registered = catch_unwind(AssertUnwindSafe(|| register(env, exports)));
    let panicked = |_| Err(Error::Coded("ERR_FLARE_PANIC", "flare panicked while it was loaded".to_owned()));
    if let Err(error) = registered.unwrap_or_else(panicked) {
        error.throw(env);
    }
    exports.0
}

/// The version of Node-API that the addon speaks: that of Node 20 and later.
#[unsafe(no_mangle)]
pub extern "C" fn node_api_module_get_api_version_v1() -> i32 {
    8
}

fn register(env: Env, exports: Value) -> Result<()> {
    let Some(uv) = uv::Uv::find() else {
        let problem =
            "this runtime does not give its event loop (libuv) to addons: flare-node needs Node 20 or later";
        return Err(Error::Coded("ERR_FLARE_RUNTIME", problem.to_owned()));
    };
    let functions = [
        answer::FUNCTIONS,
        content::FUNCTIONS,
        datagrams::FUNCTIONS,
        router::FUNCTIONS,
        server::FUNCTIONS,
        stock::FUNCTIONS,
        testing::FUNCTIONS,
        tls::FUNCTIONS,
        environment::FUNCTIONS,
        news::FUNCTIONS,
        mux::FUNCTIONS,
        websocket::FUNCTIONS,
        connector::FUNCTIONS,
        client::FUNCTIONS,
        client::COMMANDS,
        websocket_client::FUNCTIONS,
    ];
    Environment::install(env, exports, uv, &functions)
}
