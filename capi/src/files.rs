//! Static files: a handler of flare's own, added to a router.

use std::ffi::{OsStr, c_char};
use std::os::unix::ffi::OsStrExt;

use flare::RouteOptions;
use flare::files::Files;

use crate::guard::{Failure, guard};
use crate::object::{with_route_options, with_router};
use crate::route_options::flare_route_options;
use crate::router::{flare_router, route};
use crate::text;

/// Serves the files below a directory, for GET and HEAD: with types, validators, conditional requests and ranges.
///
/// Only regular files below the directory are served. Everything else is 404: `..`, links, names that begin with a dot, directories,
/// devices. The directory is opened now and kept open.
///
/// Settings are a text such as "index=index.html; precompressed=1; cache_control=public, max-age=60":
///
/// - "index": the file that stands for its directory. Without it directories are 404.
/// - "cache_control": the value of Cache-Control.
/// - "precompressed": 1 sends name.br, name.zst or name.gz to clients that take it, when it is not older than the file.
/// - "hidden": 1 serves names that begin with a dot.
/// - "links_inside": 1 follows symbolic links that stay below the directory.
///
/// @param pattern    A pattern whose last segment is a `*name`: it names the file, with its directories below this one.
/// @param directory  A path in the system's encoding. It is copied.
/// @param settings   The settings; NULL for none.
/// @param options    What the route decides for itself, as "blocking" for slow disks; NULL for none. They are copied.
/// @return FLARE_ERROR_INVALID_ARGUMENT for a bad pattern or setting, FLARE_ERROR_CONFLICT when another route matches the same,
///         FLARE_ERROR_NOT_FOUND, FLARE_ERROR_PERMISSION or FLARE_ERROR_IO when the directory can't be opened.
///
/// # Safety
/// `pattern`, `directory` and `settings` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_router_add_files(
    router: *mut flare_router,
    pattern: *const c_char,
    directory: *const c_char,
    settings: *const c_char,
    options: *const flare_route_options,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (pattern, directory, settings) = unsafe {
            (
                text::required(pattern, "pattern")?,
                text::terminated(directory, "directory")?,
                text::optional(settings, "settings")?,
            )
        };
        let options = if options.is_null() {
            RouteOptions::default()
        } else {
            with_route_options(options, |options| Ok(options.clone()))?
        };
        // An empty change first: a handle that is none is told before anything is opened.
        with_router(router, |_| Ok(()))?;
        let files = Files::new(OsStr::from_bytes(directory))?
            .options(settings.unwrap_or_default())
            .map_err(|error| Failure::argument("settings", &format!("{error}")))?;
        with_router(router, |router| router.add_with("GET", pattern, options, files).map(drop).map_err(route))
    })
}
