//! Files that whoever started hgview left open: nothing that runs in a sandbox may keep them.

use std::io;

/// Marks every open file but the standard ones to be closed by the next program that takes the process's place.
///
/// # Errors
/// The kernel's; it knows this since Linux 5.11.
#[expect(
    unsafe_code,
    reason = "the only call that reaches files whose numbers nobody knows"
)]
pub(super) fn close_at_exec() -> io::Result<()> {
    const FIRST: libc::c_uint = 3;
    // SAFETY: no pointer is passed, and nothing is closed here: files keep their owners until this program is replaced.
    let done = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FIRST,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
