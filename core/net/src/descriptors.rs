//! How many descriptors the process may have.

use std::io;

/// macOS refuses more than this, even when it says that there is no limit (setrlimit(2)).
#[cfg(target_vendor = "apple")]
const OPEN_MAX: libc::rlim_t = 10_240;

/// Raises the process's limit of open descriptors to the most it may set itself, and returns the limit that holds then. Each connection
/// takes one descriptor, and the default of many systems is 1024.
///
/// # Errors
/// What the system says.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one rlimit to `limit`, which outlives the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let most = limit.rlim_max;
    #[cfg(target_vendor = "apple")]
    let most = most.min(OPEN_MAX);
    if limit.rlim_cur < most {
        limit.rlim_cur = most;
        // SAFETY: the kernel reads one rlimit from `limit`, which outlives the call.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // Signed on some systems, but never negative.
    #[allow(clippy::unnecessary_cast)]
    Ok(limit.rlim_cur as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_twice_gives_the_same() {
        let limit = raise_descriptor_limit().unwrap();
        assert!(limit >= 64);
        assert_eq!(raise_descriptor_limit().unwrap(), limit);
    }
}
