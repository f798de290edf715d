//! Which processor a thread runs on.

use std::io;

/// How many threads can run at the same time: processors, less what affinity and control groups take away. At least 1.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get())
}

/// Binds the calling thread to one processor: number `index`, from 0, of those it may run on now. Threads started later by this thread
/// inherit the binding.
///
/// # Errors
/// `InvalidInput` when there are not so many; `Unsupported` on systems without the call (anything but Linux).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn pin_to_core(index: usize) -> io::Result<()> {
    // SAFETY: a cpu_set_t is a plain array of bits, for which all zeros is a value: the empty set.
    let mut allowed: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: the kernel writes at most `size` bytes to `allowed`, which has that size and outlives the call.
    if unsafe { libc::sched_getaffinity(0, size, &mut allowed) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut numbers = (0..libc::CPU_SETSIZE as usize)
        // SAFETY: each number is below CPU_SETSIZE, so its bit is in the set.
        .filter(|&number| unsafe { libc::CPU_ISSET(number, &allowed) });
    let Some(number) = numbers.nth(index) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no such core"));
    };
    // SAFETY: as above, all zeros is the empty set.
    let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `number` is below CPU_SETSIZE.
    unsafe { libc::CPU_SET(number, &mut one) };
    // SAFETY: the kernel reads `size` bytes from `one`, which has that size and outlives the call.
    if unsafe { libc::sched_setaffinity(0, size, &one) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Binds the calling thread to one processor. This system has no such call.
///
/// # Errors
/// Always `Unsupported`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn pin_to_core(_index: usize) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "threads cannot be bound to a core here"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_has_one_core() {
        let count = std::thread::spawn(|| {
            pin_to_core(0).unwrap();
            cores()
        });
        assert_eq!(count.join().unwrap(), 1);
    }

    #[test]
    fn a_core_that_does_not_exist_is_refused() {
        let result = std::thread::spawn(|| {
            pin_to_core(0).unwrap();
            pin_to_core(1)
        });
        assert_eq!(result.join().unwrap().unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
